// An exported model in place of the network that it was made of: the same batches, run by another program's library.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/onnx_session.h"
#include "data/host_batch.h"
#include "nn/export/graph_builder.h"
#include "nn/export/onnx_header.h"

namespace gradus {

// What export calls the tasks of models, and the programs that train and score these.
struct ExportedTask {
  std::string_view name, program;
};
constexpr ExportedTask exported_tasks[] = {{"ner", "run_ner"},
                                           {"classification", "run_classifier"},
                                           {"multi_label_classification", "run_classifier"},
                                           {"regression", "run_classifier"},
                                           {"question_answering", "run_squad"}};
// Those of a program.
std::vector<std::string> exported_tasks_of(std::string_view program);

class ExportedRun {
 public:
  // Opens a file that export has written. Throws Error when it is of another task than one of `tasks` ("ner"), when its texts are shorter
  // than `seq_length`, and as open_onnx does.
  ExportedRun(const std::string& path, const std::vector<std::string>& tasks, int64_t seq_length,
              int64_t threads, const std::string& runtime);
  // The same with a file that is open.
  ExportedRun(onnx::Header header, std::unique_ptr<OnnxSession> session,
              const std::vector<std::string>& tasks, int64_t seq_length);

  // What the task's network gives for a batch of its own: a tagger's scores and tags, a classifier's logits, the logits of each token
  // as the first and the last of an answer.
  std::vector<Tensor> forward(const Batch& batch) const;
  // "names.onnx in OpenVINO 2026.4", for the log.
  std::string description() const;

 private:
  struct Texts;
  using Outputs = std::map<std::string, OnnxTensor>;

  // Runs the texts, in as many calls as the file needs, and hands over what each gives and the number of its first text.
  template <typename Take>
  void run(const Texts& texts, const std::vector<std::string>& outputs, Take&& take) const;
  std::vector<Tensor> tag(const Batch& batch, const Texts& texts) const;
  std::vector<Tensor> classify(const Batch& batch, const Texts& texts) const;
  std::vector<Tensor> answer(const Batch& batch, const Texts& texts) const;
  void check_file(const std::vector<std::string>& tasks, int64_t seq_length);
  // The best tags by scores of all words.
  Tensor decode(const Batch& batch, const Tensor& scores) const;

  onnx::Header header_;
  std::string task_;
  int64_t fixed_batch_ = 0, fixed_sequence_ = 0;  // 0: any
  std::optional<CrfNumbers> crf_;                 // where the best tags are found here, by scores of the file
  std::unique_ptr<OnnxSession> session_;
};

}  // namespace gradus
