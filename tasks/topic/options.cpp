#include "tasks/topic/options.h"

namespace gradus {

void TopicOptions::declare(Options& options) {
  declare_data(options, "./topic_finetune/ckpt/",
               {"training data: lines of a text, a tab and its topic; a file, or several with commas between",
                "evaluation data", "texts to tell the topics of, a line each; -: stdin",
                "what the training and evaluation data are: text"});
  options.add("label_file_path", label_file_path, "topics, one a line; none: those of the training data")
      .file();
  options.group("Head");
  train.declare_label_smoothing(options);
  declare_model(options);
}

void TopicOptions::finish(Options& options) {
  train.finish(options);
  FineTuneOptions::finish(options, {}, false);
  check(format() == DatasetFormat::text, "--dataset_format {}: topics are read from text", dataset_format);
}

}  // namespace gradus
