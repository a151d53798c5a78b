#include "tasks/options/transformers_names.h"

#include <algorithm>
#include <array>

#include "core/error.h"
#include "core/joined.h"
#include "tasks/options/options.h"

namespace gradus {
namespace {

constexpr std::array<std::string_view, 4> answered_programs{"run_ner", "run_classifier", "run_squad",
                                                            "run_pretrain"};

constexpr std::string_view tasks = "run_ner run_classifier run_squad";
constexpr std::string_view padding = "batches hold no padding here, so no two texts have to be alike";
constexpr std::string_view whole_data = "all of a file is taken; a file of fewer lines is a smaller set";
constexpr std::string_view no_hub =
    "nothing is fetched from or sent to a hub: models are folders of this machine";
constexpr std::string_view one_thread =
    "one thread makes batches ahead; how long training waited for it stands in --metrics_file";
constexpr std::string_view own_kernels = "the kernels are built, there is nothing to choose or compile";
constexpr std::string_view mpi = "processes are started by mpirun, with --distribute";
constexpr std::string_view all_metrics = "what evaluation collects goes to the host batch by batch, always";

bool has_word(std::string_view list, std::string_view word) {
  return list.empty() ||
         (" " + std::string(list) + " ").find(" " + std::string(word) + " ") != std::string::npos;
}

bool matches(const TransformersName& row, std::string_view name) {
  if (!row.name.ends_with('*')) return row.name == name;
  return name.starts_with(row.name.substr(0, row.name.size() - 1));
}

const Option* find(const Options& options, std::string_view name) {
  for (const Option& option : options.all())
    if (std::ranges::find(option.names(), name) != option.names().end()) return &option;
  return nullptr;
}

// The names of options in a sentence as code.
std::string as_markdown(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    size_t end = i;
    if (text.substr(i).starts_with("--")) {
      end = std::min(text.find_first_of(" ,:;", i), text.size());
      out += '`' + std::string(text.substr(i, end - i)) + '`';
    } else {
      end = i + 1;
      if (text[i] == '|') out += '\\';
      out += text[i];
    }
    i = end;
  }
  return out;
}

// What one program makes of a name.
std::string told(const TransformersName& row, const Options& program) {
  std::string text;
  if (const Option* option = find(program, row.name); option != nullptr) {
    text = option->name() == row.name ? "the same" : fmt::format("the same as --{}", option->name());
    if (!row.note.empty()) text += fmt::format("; {}", row.note);
  } else {
    text = row.answer;
  }
  return as_markdown(text);
}

}  // namespace

const std::vector<TransformersName>& transformers_names() {
  static const std::vector<TransformersName> table{
      // The model.
      {"model_name_or_path",
       "--load_pretrain_checkpoint_path with the folder of a pretrained model, or "
       "--load_finetune_checkpoint_path with that of a trained one; nothing is downloaded",
       {},
       tasks},
      {"model_name_or_path",
       "--load_pretrain_checkpoint_path with the folder of a pretrained model; nothing is downloaded",
       {},
       "run_pretrain"},
      {"config_name", "--bert_config_file with the file, for a model from scratch"},
      {"tokenizer_name", "--vocab_file_path with the folder, or the file in it"},
      {"model_type", "the model is BERT, or NEZHA by --relative_positions", {}, "run_pretrain"},
      {"config_overrides",
       "--hidden_size and the options below it in --help, one for each number",
       {},
       "run_pretrain"},
      {"cache_dir", no_hub},
      {"model_revision", no_hub},
      {"token", no_hub},
      {"use_auth_token", no_hub},
      {"trust_remote_code", no_hub},
      {"use_fast_tokenizer", "there is one tokenizer, and it gives the same pieces as either of theirs"},
      {"ignore_mismatched_sizes",
       "the head of --load_pretrain_checkpoint_path is taken where its labels are those of the data, and "
       "made anew "
       "otherwise, which the log tells"},
      {"low_cpu_mem_usage", "weights are always read into their place"},
      {"dtype", "--compute_type: fp32, bf16 or fp16"},
      {"torch_dtype", "--compute_type: fp32, bf16 or fp16"},
      // Data.
      {"dataset_name", "data are files of this machine: --train_data_file_path, --eval_data_file_path"},
      {"dataset_config_name",
       "data are files of this machine: --train_data_file_path, --eval_data_file_path"},
      {"train_file", {}, "a file in one of the forms that the program reads"},
      {"validation_file", {}, "a file in one of the forms that the program reads"},
      {"test_file", {}, "what is predicted goes to standard output", tasks},
      {"validation_split_percentage",
       "--eval_input_file with text to score on, which is never taken from other data",
       {},
       "run_pretrain"},
      {"text_column_name", {}, "a number, or a name of the header", "run_ner run_classifier"},
      {"text_column_names",
       "--text_column, and --text_pair_column for the second text",
       {},
       "run_classifier"},
      {"label_column_name", {}, "a number, or a name of the header", "run_ner run_classifier"},
      {"remove_columns", "columns that no option names are not read", {}, "run_classifier"},
      {"task_name", "the program's one task", {}, "run_ner"},
      {"task_name",
       {},
       "all of the names there; mnli is scored on one of its two sets, mnli_mm on the other",
       "run_classifier"},
      {"do_regression",
       "--assessment_method spearman_correlation or pearson_correlation: labels are numbers then",
       {},
       "run_classifier"},
      {"metric_name", "--assessment_method", {}, "run_classifier"},
      {"max_seq_length"},
      {"max_length"},
      {"pad_to_max_length", padding},
      {"pad_to_multiple_of", padding},
      {"group_by_length", padding},
      {"train_sampling_strategy", "--train_data_shuffle; batches hold no padding that grouping would save"},
      {"length_column_name", padding},
      {"label_all_tokens",
       "further pieces of a word have no label, or one of their own by --label_protocol",
       {},
       "run_ner"},
      {"return_entity_level_metrics",
       "the scores of each type are always shown, with --assessment_method span",
       {},
       "run_ner"},
      {"doc_stride",
       {},
       "the pieces from the beginning of a window to that of the next, as in BERT's own code; there they are "
       "those that two windows share, so with 384 pieces a window, some 12 of a question and 128 of theirs "
       "about 240 of ours",
       "run_squad"},
      {"version_2_with_negative", {}, "unless it is given the data tell", "run_squad"},
      {"null_score_diff_threshold", {}, "unless it is given the best on the evaluation data", "run_squad"},
      {"n_best_size", {}, {}, "run_squad"},
      {"max_answer_length", {}, {}, "run_squad"},
      {"mlm_probability", {}, "--max_predictions_per_seq bounds the number, too", "run_pretrain"},
      {"line_by_line",
       "--input_form sentences: a sentence a line, a blank line between texts",
       {},
       "run_pretrain"},
      {"streaming", "--stream", {}, "run_pretrain"},
      {"max_train_samples", whole_data, {}, tasks},
      {"max_train_samples", "--num_samples, of records", {}, "run_pretrain"},
      {"max_eval_samples", whole_data},
      {"max_predict_samples", whole_data, {}, tasks},
      {"overwrite_cache", "nothing is cached: text is tokenized in every run"},
      {"preprocessing_num_workers", "--threads are for that, too", {}, "run_squad"},
      {"preprocessing_num_workers", "one thread tokenizes", {}, "run_ner run_classifier run_pretrain"},
      {"log_level", "a run tells each thing once"},
      {"log_level_*", "a run tells each thing once"},
      // What to do.
      {"do_train"},
      {"do_eval"},
      {"do_predict", {}, {}, tasks},
      {"do_predict", "nothing is predicted by a model that is only pretrained", {}, "run_pretrain"},
      {"output_dir",
       "--save_finetune_checkpoint_path for checkpoints; predictions go to standard output, scores to "
       "--metrics_file, "
       "too",
       "of the files of results alone: checkpoints go to --save_finetune_checkpoint_path"},
      {"overwrite_output_dir", {}, "the checkpoints in --save_finetune_checkpoint_path go, and nothing else"},
      {"resume_from_checkpoint",
       "--resume goes on from the newest checkpoint in --save_finetune_checkpoint_path"},
      // Batches.
      {"num_train_epochs", {}, "a whole number; --max_steps ends a run within a pass"},
      {"max_steps", {}, "0, not -1, is none", tasks},
      {"max_steps", {}, {}, "run_pretrain"},
      {"per_device_train_batch_size", {}, "of each process of --distribute"},
      {"per_device_eval_batch_size"},
      {"per_gpu_train_batch_size", "--train_batch_size"},
      {"per_gpu_eval_batch_size", "--eval_batch_size"},
      {"auto_find_batch_size", "--max_memory, which cuts batches that add up to the same step"},
      {"gradient_accumulation_steps"},
      {"gradient_checkpointing"},
      {"gradient_checkpointing_kwargs", "--recompute alone: each encoder layer is computed again"},
      {"activation_checkpointing", "--recompute: each encoder layer is computed again"},
      {"activation_checkpointing_kwargs", "--recompute alone: each encoder layer is computed again"},
      {"eval_accumulation_steps", all_metrics},
      {"eval_do_concat_batches", all_metrics},
      {"batch_eval_metrics", all_metrics},
      {"eval_use_gather_object", "the first process evaluates alone"},
      {"dataloader_num_workers", one_thread},
      {"dataloader_drop_last", "no example is dropped: the last batch is smaller"},
      {"dataloader_*", one_thread},
      {"remove_unused_columns", "columns that no option names are not read"},
      {"label_names", "each program knows what of its data are labels"},
      {"ignore_data_skip", "--resume goes on with the batches that are left"},
      // The optimizer.
      {"learning_rate"},
      {"optim", "--optimizer: adamw, the default, for all that begin with adamw; Lamb; Momentum for sgd"},
      {"optim_args", "--adam_beta1, --adam_beta2, --adam_eps and --weight_decay, one for each number"},
      {"optim_target_modules", "all weights have the same optimizer"},
      {"adafactor", "--optimizer: adamw, AdamWeightDecay, Lamb or Momentum"},
      {"lr_scheduler_type", {}, "there linear is what is not said, too"},
      {"lr_scheduler_kwargs", "--power of the polynomial schedule, and --end_learning_rate"},
      {"warmup_ratio"},
      {"warmup_steps", {}, "a whole number; a part of the steps is --warmup_proportion"},
      {"num_warmup_steps", "--warmup_steps"},
      {"weight_decay"},
      {"adam_beta1"},
      {"adam_beta2"},
      {"adam_epsilon"},
      {"max_grad_norm"},
      {"label_smoothing_factor", {}, "not with a CRF", "run_ner run_classifier"},
      {"label_smoothing_factor", "labels are not smoothed", {}, "run_squad run_pretrain"},
      {"neftune_noise_alpha", "no noise is added to embeddings; --dropout is what training has of the kind"},
      // Evaluation and checkpoints.
      {"eval_strategy", "--eval_steps: N for steps, 0 for epoch; for no leave out --eval_data_file_path"},
      {"evaluation_strategy",
       "--eval_steps: N for steps, 0 for epoch; for no leave out --eval_data_file_path"},
      {"evaluate_during_training",
       "--eval_data_file_path, which training scores on after every epoch, or --eval_steps"},
      {"eval_steps"},
      {"eval_delay", "the first evaluation comes after --eval_steps"},
      {"eval_on_start", "--do_eval in a run of its own scores a model before it is trained further"},
      {"prediction_loss_only", "evaluation gives the scores of the task"},
      {"include_for_metrics", "evaluation gives the scores of the task"},
      {"load_best_model_at_end",
       "the best model is always kept, in the folder best of --save_finetune_checkpoint_path, where there is "
       "--eval_data_file_path to choose by"},
      {"metric_for_best_model", "--assessment_method, by which the best is chosen, too", {}, tasks},
      {"metric_for_best_model", "the best is chosen by the accuracy of masked words", {}, "run_pretrain"},
      {"greater_is_better", "each score is known to be the better the higher it is"},
      {"save_strategy",
       "--save_checkpoint_steps: N for steps, 0 for epoch; for no an empty --save_finetune_checkpoint_path"},
      {"save_steps"},
      {"checkpointing_steps", "--save_checkpoint_steps: N, or 0 for epoch"},
      {"save_total_limit", "--keep_checkpoints, beside which the best is kept"},
      {"save_only_model", "a checkpoint has the optimizer's state, too, so that --resume can go on from it"},
      {"save_safetensors", "checkpoints are always safetensors"},
      {"save_on_each_node", "the first process saves"},
      {"enable_jit_checkpoint", "SIGTERM ends a run after the step and saves, always"},
      {"restore_callback_states_from_checkpoint", "there are no callbacks"},
      // The log.
      {"logging_steps"},
      {"logging_dir"},
      {"logging_*", "--log_steps says how often the log has a line"},
      {"log_on_each_node", "the first process tells"},
      {"report_to", "--log_dir writes curves for TensorBoard, --report a page, --metrics_file JSON"},
      {"with_tracking", "--log_dir writes curves for TensorBoard, --report a page, --metrics_file JSON"},
      {"run_name", "the folders that a run writes to are its name"},
      {"project", "--log_dir, --report and --metrics_file are all that a run reports to"},
      {"trackio_*", "--log_dir, --report and --metrics_file are all that a run reports to"},
      {"disable_tqdm", "there is a bar on a terminal alone, lines elsewhere: 2> FILE keeps them"},
      {"include_num_input_tokens_seen", "tokens a second are always told"},
      {"include_tokens_per_second", "tokens a second are always told"},
      {"skip_memory_metrics", "--metrics_file has the most memory that the run took, always"},
      {"debug", "a number that is not finite ends the run, and the error says where it arose"},
      // Where and in what numbers.
      {"fp16", "--compute_type fp16, on GPUs"},
      {"bf16", "--compute_type bf16"},
      {"fp16_full_eval", "--compute_type fp16, on GPUs, with --do_eval alone"},
      {"bf16_full_eval", "--compute_type bf16, with --do_eval alone"},
      {"fp16_*", "--compute_type fp16, and --loss_scale_value for the scale at the start"},
      {"half_precision_backend", own_kernels},
      {"tf32"},
      {"no_cuda", "--device_target CPU, which is the default"},
      {"use_cpu", "--device_target CPU, which is the default"},
      {"use_mps_device", "--device_target: CPU or CUDA"},
      {"seed", {}, "there 42 is what is not said"},
      {"data_seed", "--seed is the start of all random numbers"},
      {"full_determinism", "the same seed gives the same bits, always"},
      {"local_rank", mpi},
      {"ddp_timeout", "--timeout_s, after which a process that gives no sign of life is taken for lost"},
      {"ddp_*", mpi},
      {"fsdp", "each process has all of the model"},
      {"fsdp_*", "each process has all of the model"},
      {"deepspeed", "each process has all of the model; --max_memory cuts a step to fit"},
      {"accelerator_config", mpi},
      {"parallelism_config", mpi},
      {"average_tokens_across_devices",
       "several processes train as one that adds up so many batches, always"},
      {"torch_compile", own_kernels},
      {"torch_compile_*", own_kernels},
      {"torch_empty_cache_steps", "memory is planned before the first step, and told"},
      {"use_liger_kernel", own_kernels},
      {"liger_kernel_config", own_kernels},
      {"use_cache", "it is of models that write text; BERT reads it"},
      {"push_to_hub", no_hub},
      {"push_to_hub_*", no_hub},
      {"hub_*", no_hub},
  };
  return table;
}

std::optional<std::string> answer_to_transformers(std::string_view program, std::string_view name) {
  if (std::ranges::find(answered_programs, program) == answered_programs.end()) return std::nullopt;
  for (const TransformersName& row : transformers_names()) {
    if (row.answer.empty() || !matches(row, name) || !has_word(row.programs, program)) continue;
    return fmt::format("{} {}", row.answer.starts_with("--") ? "here" : "nothing here:", row.answer);
  }
  return std::nullopt;
}

std::string transformers_page(const std::vector<const Options*>& programs) {
  std::string text = "| there | program | here |\n|---|---|---|\n";
  for (const TransformersName& row : transformers_names()) {
    // Programs that make the same of it stand together.
    std::vector<std::pair<std::string, std::vector<std::string>>> groups;
    for (const Options* program : programs) {
      if (!has_word(row.programs, program->program())) continue;
      const std::string what = told(row, *program);
      const auto group = std::ranges::find(groups, what, &decltype(groups)::value_type::first);
      if (group == groups.end()) groups.push_back({what, {program->program()}});
      else group->second.push_back(program->program());
    }
    for (const auto& [what, names] : groups) {
      const std::string which = names.size() == programs.size() ? "all" : joined(names, ", ").str();
      text += fmt::format("| `--{}` | {} | {} |\n", row.name, which, what);
    }
  }
  return text;
}

}  // namespace gradus
