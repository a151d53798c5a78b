#include "tasks/options/fine_tune_options.h"

#include <filesystem>

#include "core/onnx_session.h"

namespace gradus {

void FineTuneOptions::declare_data(Options& options, const std::string& save_path, const DataHelp& help) {
  train.declare(options, save_path, help.predict != nullptr);
  declare_left(options);

  options.group("Data");
  Option& train_file = options.add("train_data_file_path", train_data_file_path, help.train).path();
  Option& eval_file = options.add("eval_data_file_path", eval_data_file_path, help.eval).path();
  if (!makes_pretrained) {  // whose text has options of its own
    train_file.alias("train_file");
    eval_file.alias("validation_file");
  }
  if (help.predict != nullptr)
    options.add("predict_data_file_path", predict_data_file_path, help.predict).path().alias("test_file");
  std::vector<Choice> formats = choices_of(record_formats());
  formats.insert(formats.begin(), "text");
  options.add("dataset_format", dataset_format, help.format).choices(formats);
  options.add("schema_file_path", schema_file_path, "schema.json of TFRecord data; none: taken as they are")
      .file();
  options
      .add("vocab_file_path", vocab_file_path,
           "word pieces, one a line, or tokenizer.json, or a folder with one of them: settings of the "
           "tokenizer "
           "beside it count; none: the checkpoint's")
      .path()
      .alias("vocab_file");
  options.add("tokenizer", tokenizer, "rules as in Hugging Face's BertTokenizer or the BERT reference code")
      .choices({"hf", "google"});
  options
      .add("do_lower_case", do_lower_case, "lower-case text and strip accents; auto: as the checkpoint says")
      .choices({"auto", {"true", {"1"}}, {"false", {"0"}}});
  options
      .add("seq_length", seq_length,
           "most word pieces of a sequence, [CLS] and [SEP] included; records are as long as they are")
      .alias("max_seq_length")
      .alias("max_length")
      .at_least(3);
  options.add("eval_pad", eval_pad, "evaluation batches in the given order, or grouped by length")
      .choices({"given", "grouped"});
}

// What MindSpore's programs have, all of them, and nothing here has a use for.
void FineTuneOptions::declare_left(Options& options) {
  options.add(
      "enable_modelarts", enable_modelarts,
      "accepted for the sake of other systems' settings, as false: nothing is copied from or to a store");
  options.leave({"data_url", "train_url", "checkpoint_url", "data_path", "output_path", "load_path"},
                "of ModelArts, whose stores nothing here copies from or to");
  options.leave({"enable_profiling", "use_pynative_mode"},
                "of MindSpore's runtime; --trace makes a timeline");
  options.leave({"device_num"}, "mpirun says how many processes there are");
  options.leave({"description"}, "the program's own name says what it does");
}

void FineTuneOptions::declare_model(Options& options) {
  if (makes_pretrained) model.declare(options, "as --bert_network says, 512, gelu");
  else model.declare(options);

  options.group("Checkpoints");
  options
      .add("load_pretrain_checkpoint_path", load_pretrain_checkpoint_path,
           "pretrained model to start from: a folder with weights of transformers, TensorFlow or MindSpore, "
           "the weights in it, or models--ORG--NAME of the hub's cache; none: train from scratch")
      .path()
      .alias("init_checkpoint");
  if (!makes_pretrained)
    options
        .add("load_finetune_checkpoint_path", load_finetune_checkpoint_path,
             "trained model to score or use, or to train further")
        .path();
  if (!makes_pretrained) {
    options
        .add(
            "exported_file", exported_file,
            "with --do_eval and --do_predict: a file of export's, to be run in place of the model; none: not")
        .file();
    std::vector<Choice> runtimes{"auto"};
    for (const OnnxRuntime& runtime : known_onnx_runtimes)
      runtimes.emplace_back(std::string(runtime.name).c_str());
    options
        .add("onnx_runtime", onnx_runtime,
             "what runs it, of the libraries that were there to build with; auto: the first of these")
        .choices(std::move(runtimes));
  }

  device.declare(options);
  if (!makes_pretrained)
    options.add("seeds", seeds,
                "with --do_train: a training for each of these seeds, with commas between, into seed-N of "
                "the folder to "
                "save to; tells mean and deviation of the scores; --resume leaves those that are done");
  if (!makes_pretrained)
    options
        .add("calibrate", calibrate,
             "evaluation data: scores the trained model on them in int8, chooses which weights stay in "
             "float32 where that loses more than a fifth of a point, and writes the choice into the "
             "model's config.json")
        .file();
}

void FineTuneOptions::finish(Options& options, const std::set<std::string>& fixed, bool has_data,
                             const std::string& network) {
  options.adopt("seq_length", network + ".seq_length");
  model.adopt(options, network);
  const bool from_scratch = load_pretrain_checkpoint_path.empty() && load_finetune_checkpoint_path.empty();
  // The smallest gradients would be zero.
  if (device.dtype() == DType::float16 && train.do_train)
    options.preset("enable_lossscale", "true", "--compute_type fp16");
  model.finish(options, from_scratch && train.do_train);
  take_calibration(options);
  take_exported();
  given = fixed;
  given.insert({"tokenizer", "do_lower_case", "dropout"});
  std::erase_if(given, [&](const std::string& name) { return options.is_default(name); });
  check_inputs(has_data);
}

void FineTuneOptions::take_calibration(Options& options) {
  if (calibrate.empty()) return;
  const std::string reason = "--calibrate";
  check(!train.do_train, "--calibrate {}: it is for a trained model; calibrate what --do_train has saved",
        calibrate);
  check(exported_file.empty(), "--calibrate {}: int8 is not for --exported_file", calibrate);
  check(!load_finetune_checkpoint_path.empty(),
        "--calibrate needs a trained model: give --load_finetune_checkpoint_path");
  check(eval_data_file_path.empty() || eval_data_file_path == calibrate,
        "--calibrate {} and --eval_data_file_path {}: these are evaluation data both; score others in a run "
        "of its own",
        calibrate, eval_data_file_path);
  options.preset("do_eval", "true", reason);
  options.preset("eval_data_file_path", calibrate, reason);
  options.preset("compute_type", "int8", reason);
  check(device.dtype() == DType::int8, "--calibrate is for --compute_type int8, not {}", device.compute_type);
}

// What the file does not say lies beside it.
void FineTuneOptions::take_exported() {
  check(onnx_runtime == "auto" || !exported_file.empty(),
        "--onnx_runtime {} is for --exported_file: a file that export has written", onnx_runtime);
  if (exported_file.empty()) return;
  if (!exported_file.ends_with(".onnx")) exported_file += ".onnx";
  check(!train.do_train, "--exported_file {}: what was exported can't be trained", exported_file);
  check(device.dtype() == DType::float32, "--exported_file {}: it is computed as it was exported, not in {}",
        exported_file, device.compute_type);
  check(load_pretrain_checkpoint_path.empty(), "--exported_file {}: there is no use for a pretrained model",
        exported_file);
  if (!load_finetune_checkpoint_path.empty()) return;
  const std::filesystem::path folder = std::filesystem::path(exported_file).parent_path();
  load_finetune_checkpoint_path = folder.empty() ? "." : folder.string();
}

void FineTuneOptions::check_inputs(bool has_data) const {
  const TrainOptions& t = train;
  check(t.do_train || t.do_eval || t.do_predict,
        "At least one of --do_train, --do_eval and --do_predict must be true");
  check(!enable_modelarts,
        "--enable_modelarts true: nothing here copies from data_url or to train_url: give paths of this "
        "machine, and "
        "false");
  check(device.dtype() != DType::int8 || !t.do_train,
        "--compute_type int8 is for --do_eval and --do_predict: train in fp32 or bf16");
  check(!t.enable_lossscale || t.loss_scale_value <= t.max_loss_scale,
        "--loss_scale_value {:.10g} is above --max_loss_scale {:.10g}", t.loss_scale_value, t.max_loss_scale);
  check(t.report.empty() || t.do_train || t.do_eval, "--report needs --do_train or --do_eval");
  if (!has_data) {
    check(!t.do_train || !train_data_file_path.empty(), "--do_train needs --train_data_file_path");
    check(!t.do_eval || !eval_data_file_path.empty(), "--do_eval needs --eval_data_file_path");
  }
  check(!t.do_predict || !predict_data_file_path.empty(), "--do_predict needs --predict_data_file_path");
  const bool has_checkpoint =
      !load_pretrain_checkpoint_path.empty() || !load_finetune_checkpoint_path.empty();
  check(!t.do_train || has_data || has_checkpoint || !vocab_file_path.empty(),
        "--do_train from scratch needs --vocab_file_path; to start from a pretrained model, give "
        "--load_pretrain_checkpoint_path");
  check(!t.do_train || load_finetune_checkpoint_path.empty() || load_pretrain_checkpoint_path.empty(),
        "--do_train can start from one model: give --load_pretrain_checkpoint_path or "
        "--load_finetune_checkpoint_path, not both");
  check(!makes_pretrained || t.do_train || has_checkpoint,
        "--do_eval needs a model: give --load_pretrain_checkpoint_path, or add --do_train");
  for (const auto& [wanted, flag] :
       {std::pair{t.do_eval && !makes_pretrained, "--do_eval"}, std::pair{t.do_predict, "--do_predict"}}) {
    check(!wanted || t.do_train || !load_finetune_checkpoint_path.empty(),
          "{} needs a trained model: give --load_finetune_checkpoint_path, or add --do_train", flag);
  }
  check(t.early_stopping_patience == 0 || has_data || !eval_data_file_path.empty(),
        "--early_stopping_patience needs scores: give --eval_data_file_path");
  for (const std::string& model : {load_pretrain_checkpoint_path, load_finetune_checkpoint_path}) {
    std::error_code none;
    const auto within = std::filesystem::relative(model, t.save_finetune_checkpoint_path, none);
    check(!t.overwrite_output_dir || model.empty() || none || within.empty() || *within.begin() == "..",
          "--overwrite_output_dir: the model to begin with, '{}', is in the folder to be overwritten, '{}': "
          "name another --save_finetune_checkpoint_path",
          model, t.save_finetune_checkpoint_path);
  }
  check(t.train_batch_tokens == 0 || t.train_batch_tokens >= seq_length,
        "--train_batch_tokens {} is below --seq_length {}: the longest sequence has to fit in a batch",
        t.train_batch_tokens, seq_length);
  check(model.max_position_embeddings == 0 || seq_length <= model.max_position_embeddings,
        "--seq_length {} is above --max_position_embeddings {}", seq_length, model.max_position_embeddings);
}

std::FILE* log_of(const FineTuneOptions& options) {
  return options.predicts_only() || options.train.json ? stderr : stdout;
}

}  // namespace gradus
