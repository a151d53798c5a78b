#include "tasks/pretraining/options.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "core/ascii.h"
#include "core/joined.h"

namespace gradus {
namespace {

// What the reference programs call options that all programs here have.
struct OtherName {
  const char *name, *other;
};
constexpr OtherName other_names[] = {
    {"epoch_num", "epoch_size"},
    {"max_steps", "train_steps"},
    {"train_batch_size", "batch_size"},
    {"gradient_accumulation_steps", "accumulation_steps"},
    {"train_data_shuffle", "do_shuffle"},
    {"train_data_file_path", "data_dir"},
    {"eval_data_file_path", "eval_data_dir"},
    {"schema_file_path", "schema_dir"},
    {"schema_file_path", "schema_file"},
    {"save_finetune_checkpoint_path", "save_checkpoint_path"},
    {"keep_checkpoints", "save_checkpoint_num"},
    {"load_pretrain_checkpoint_path", "load_checkpoint_path"},
    {"load_pretrain_checkpoint_path", "eval_ckpt"},
};

constexpr const char* usual_save_folder = "./pretrain/ckpt/";
constexpr const char* data_sink_help =
    "accepted for the sake of other systems' settings: batches are always made ahead";

std::string shapes() {
  std::vector<std::string> texts;
  for (const PretrainingNetwork& n : pretraining_networks())
    texts.push_back(fmt::format("{} {} wide, {} layers, {} heads{}{}", n.name, n.hidden_size,
                                n.num_hidden_layers, n.num_attention_heads,
                                n.hidden_act == "gelu" ? "" : fmt::format(", {}", n.hidden_act),
                                n.relative_positions == "none" ? "" : ", relative positions"));
  return joined(texts, "; ").str();
}

}  // namespace

const std::vector<PretrainingNetwork>& pretraining_networks() {
  static const std::vector<PretrainingNetwork> networks{{"small", 256, 4, 4},
                                                        {"base", 768, 12, 12},
                                                        {"nezha", 1024, 24, 16, "gelu", "trained"},
                                                        {"large", 1024, 24, 16},
                                                        {"large_boost", 1024, 24, 16, "fast_gelu"}};
  return networks;
}

PretrainOptions::PretrainOptions() {
  dataset_format = record_formats().front().name;
  train.learning_rate = 1e-4;
  makes_pretrained = true;
}

void PretrainOptions::declare(Options& options) {
  declare_data(
      options, usual_save_folder,
      {"records to train on, a file or a folder of them (generate_pretraining_records)",
       "records to score on, now and then in training and with --do_eval", nullptr, "what the records are"});
  options.option("dataset_format").choices(choices_of(record_formats()));
  options.add("train_with_eval", train_with_eval,
              "score on the evaluation data while training: this is done anyway where there are such");
  options
      .add("eval_samples", eval_samples,
           "examples trained on between evaluations, in place of --eval_steps; 0: that counts")
      .at_least(0);
  options.add("num_samples", num_samples, "train on the first N records alone; None: on all");
  options.add("output_dir", output_dir, "folder for eval_results.txt; none: the save folder, when training")
      .folder();

  options.add("enable_save_ckpt", enable_save_ckpt, "save checkpoints");
  options.add("bucket_list", bucket_list,
              "accepted for the sake of other systems' settings: sequences are packed, none is filled up to "
              "a length");
  options.add("enable_data_sink", enable_data_sink, data_sink_help);
  options.add("data_sink_steps", data_sink_steps, data_sink_help).at_least(0);
  declare_text(options);

  options.group("Network");
  options.add("bert_network", bert_network, "shape of a model that begins from scratch: " + shapes())
      .choices(choices_of(pretraining_networks()));
  declare_model(options);
  for (const auto& [name, other] : other_names) options.option(name).alias(other);
  options.option("max_steps").at_least(-1);
}

void PretrainOptions::declare_text(Options& options) {
  options.group("Text (in place of records: other pairs and other masks every epoch)");
  options
      .add("input_file", input_file,
           "text to train on, plain or gzip: files, patterns as wiki_*, folders with all below; comma "
           "between (\\, is one in a name)")
      .path()
      .alias("train_file");
  options.add("eval_input_file", eval_input_file, "text to score on, always the same examples of it")
      .path()
      .alias("validation_file");
  masking.declare_form(options);
  masking.declare_masks(options);
}

// Text takes the place of records: what is said of data without saying which holds for both.
void PretrainOptions::take_text(Options& options) {
  const auto take = [&](const char* option, const std::string& path, const std::string& text,
                        const char* text_option) {
    if (text.empty()) return;
    check(path.empty(), "--{} {} and --{} {}: expected records or text, not both", option, path, text_option,
          text);
    const std::string reason = fmt::format("--{}", text_option);
    options.option(option).set(text, reason, reason);
  };
  take("train_data_file_path", train_data_file_path, input_file, "input_file");
  take("eval_data_file_path", eval_data_file_path, eval_input_file, "eval_input_file");
  check(input_file.empty() || train.train_data_shuffle,
        "--train_data_shuffle false: the examples of --input_file are drawn anew every epoch");
  check(input_file.empty() || train.train_batch_tokens == 0,
        "--train_batch_tokens {}: the examples of --input_file come in batches of --train_batch_size",
        train.train_batch_tokens);
  check(input_file.empty() || !train.stream,
        "--stream: the text of --input_file lies in memory; larger text is made to records first "
        "(generate_pretraining_records)");
  check((input_file.empty() && eval_input_file.empty()) || seq_length >= 5,
        "--seq_length {}: an example of two texts has 5 tokens at least", seq_length);
}

void PretrainOptions::take_network(Options& options) {
  const auto network = std::ranges::find(pretraining_networks(), bert_network, &PretrainingNetwork::name);
  const std::string reason = fmt::format("--bert_network {}", bert_network);
  options.preset("hidden_size", std::to_string(network->hidden_size), reason);
  options.preset("num_hidden_layers", std::to_string(network->num_hidden_layers), reason);
  options.preset("num_attention_heads", std::to_string(network->num_attention_heads), reason);
  options.preset("hidden_act", std::string(network->hidden_act), reason);
  options.preset("relative_positions", std::string(network->relative_positions), reason);
}

// In a file of MindSpore's no folder means the working folder. What is to be saved is saved here, too, but to a folder of its own.
void PretrainOptions::take_save_folder(Options& options) {
  Option& folder = options.option("save_finetune_checkpoint_path");
  if (!enable_save_ckpt || !train.save_finetune_checkpoint_path.empty() || folder.is_default() ||
      options.is_on_command_line(folder.name()))
    return;
  folder.set(usual_save_folder, "--save_checkpoint_path",
             fmt::format("{} names none, and enable_save_ckpt is true", folder.origin()));
}

int64_t PretrainOptions::most_records() const {
  if (num_samples.empty() || same_ignoring_case(num_samples, "None") ||
      same_ignoring_case(num_samples, "null"))
    return std::numeric_limits<int64_t>::max();
  int64_t number = 0;
  const char* const end = num_samples.data() + num_samples.size();
  const auto [read_to, problem] = std::from_chars(num_samples.data(), end, number);
  check(problem == std::errc() && read_to == end && number > 0,
        "--num_samples '{}': expected a number of records, at least 1, or None", num_samples);
  return number;
}

void PretrainOptions::finish(Options& options, bool trains) {
  if (!train.do_train && !train.do_eval)
    options.preset(trains ? "do_train" : "do_eval", "true", options.program());
  train.finish(options);
  // In MindSpore's file each network has a batch size, and what stands there for all never counts.
  const std::string section = bert_network + "_net_cfg";
  options.adopt_over("train_batch_size", bert_network + "_batch_size");
  model.adopt(options, section);
  if (train.do_train && load_pretrain_checkpoint_path.empty()) take_network(options);
  take_save_folder(options);
  if (!enable_save_ckpt) {
    options.option("save_finetune_checkpoint_path").set("", "--enable_save_ckpt", "--enable_save_ckpt false");
    check(!train.resume, "--resume needs checkpoints: --enable_save_ckpt is false");
  }
  if (eval_samples > 0) {
    const int64_t at_a_time = train.train_batch_size * train.gradient_accumulation_steps;
    options.preset("eval_steps", std::to_string((eval_samples + at_a_time - 1) / at_a_time),
                   "--eval_samples");
  }
  const int64_t most = most_records();
  check(input_file.empty() || most == std::numeric_limits<int64_t>::max(),
        "--num_samples {}: of the text of --input_file all is trained on", num_samples);
  take_text(options);
  FineTuneOptions::finish(options, {}, false, section);
  check(!train_with_eval || !eval_data_file_path.empty(), "--train_with_eval needs --eval_data_file_path");
  if (train.do_train && output_dir.empty())
    options.preset("output_dir", train.save_finetune_checkpoint_path, "--save_finetune_checkpoint_path");
}

}  // namespace gradus
