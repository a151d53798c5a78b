#include "tasks/model/task_system.h"

#include "core/io/checked_json.h"
#include "core/joined.h"
#include "tasks/log/log.h"
#include "tasks/log/phase.h"

namespace gradus {
namespace {

BertConfig with_labels(BertConfig config, std::vector<std::string> labels) {
  config.labels = std::move(labels);
  config.validate("the model");
  return config;
}

}  // namespace

TaskSystem::TaskSystem(ModelSource source, const TaskKind& kind, std::vector<std::string> labels)
    : kind_(kind),
      source_(std::move(source)),
      tokenizer_(source_.vocab, source_.tokenizer.text_rules(source_.settings.rules()),
                 source_.tokenizer.added) {
  source_.config = with_labels(std::move(source_.config), std::move(labels));
}

BatchLoop::Forward TaskSystem::forward(BatchLoop::Forward network) const {
  return [this, network = std::move(network)](Context& context, const Batch& batch) {
    return exported_ ? exported_->forward(batch) : network(context, batch);
  };
}

// A trained model has all its weights; a pretrained one lacks the head, and perhaps the pooler.
std::vector<std::string> TaskSystem::required() const {
  if (source_.trained) return {""};
  return {"bert.embeddings.", "bert.encoder."};
}

void TaskSystem::check_weights() {
  if (source_.weights.empty()) return;
  const ModelTensors file(source_.weights);
  if (!source_.trained) {
    HeadChoice choice = choose_head(source_.head, file, kind_.architecture, config().labels);
    head_ = std::move(choice.rows);
    if (!choice.note.empty()) source_.notes.push_back(std::move(choice.note));
  }
  check_tensors(file, parameters_, required(), head_);
}

void TaskSystem::run_exported(Backend& backend, const FineTuneOptions& options, std::FILE* log) {
  check(backend.name() == "CPU", "--exported_file {}: it is run on the CPU, --device_target is {}",
        options.exported_file, backend.name());
  for (const std::string& note : source_.notes) print_log(log, "note: {}\n", note);
  const Phase phase(fmt::format("loading {}", options.exported_file));
  exported_ = std::make_unique<ExportedRun>(options.exported_file, exported_tasks_of(kind_.program),
                                            options.seq_length, options.device.threads, options.onnx_runtime);
  print_log(log, "model: {}\n", exported_->description());
}

void TaskSystem::keep_in_float(std::FILE* log) {
  const size_t all = parameters_.quantizable().size();
  const auto& keeps = source_.settings.int8_keeps;
  try {
    if (keeps) parameters_.keep_in_float(*keeps);
  } catch (const Error& e) {
    fail("{}: '{}' of \"{}\": {}", source_.where, int8_keeps_key, kind_.settings_key, e.what());
  }
  print_log(log, "int8: {} of {} weights of products in 8 bits{}\n", all - (keeps ? keeps->size() : 0), all,
            keeps ? "" : "; whether that costs anything, --calibrate tells");
}

void TaskSystem::allocate(Backend& backend, Parameters::Use use, DType compute_type, uint64_t seed,
                          std::FILE* log) {
  for (const std::string& note : source_.notes) print_log(log, "note: {}\n", note);
  if (compute_type == DType::int8) keep_in_float(log);
  const std::string& weights = source_.weights;
  const Phase phase(weights.empty() ? "making weights" : fmt::format("loading {}", weights), 0,
                    log == nullptr ? nullptr : stderr);
  parameters_.allocate(backend, use, compute_type);
  if (weights.empty()) return parameters_.initialize_all(seed);
  LoadReport report;
  try {
    report = load_tensors(weights, parameters_, required(), seed, head_);
  } catch (const Error&) {
    source_.check_unchanged();
    throw;
  }
  source_.check_unchanged();
  if (!report.missing.empty()) print_log(log, "new in this model: {}\n", joined(report.missing, ", "));
  if (!report.unused.empty()) print_log(log, "unused in {}: {}\n", weights, joined(report.unused, ", "));
}

Json TaskSystem::saved_json() const {
  Json json = settings_json();
  json.update(source_.common_settings());
  return json;
}

void TaskSystem::continue_from(const std::filesystem::path& checkpoint) {
  const std::string path = (checkpoint / "config.json").string();
  BertConfig saved = read_bert_config(path);
  check(saved.labels == config().labels,
        "{}: the checkpoint has the labels {}, this run has {}: it can't be continued", path,
        joined(saved.labels, ", "), joined(config().labels, ", "));
  const auto fixed = [&](Json settings) {
    settings.erase(tuned_setting());
    settings.erase(int8_keeps_key);  // of the trained weights, not of the run
    return json_text(sorted(settings));
  };
  const Json found = saved_settings(saved, kind_, path);
  const Json all = saved_json();
  Json known;
  for (const auto& [name, value] : all.members()) {
    if (found.contains(name)) known[name] = value;  // else the checkpoint is older than the setting
  }
  const std::string settings = fixed(found), own = fixed(known);
  check(settings == own, "{}: the checkpoint was made with {}, this run has {}: it can't be continued", path,
        settings, own);
  saved.other_keys = config().other_keys;
  saved.architecture.clear();
  check(saved == config(), "{}: the checkpoint's model is not the one of this run: it can't be continued",
        path);
  const StoredTokenizer stored = read_tokenizer(checkpoint);
  check(vocab_text(stored.vocab) == vocab_text(vocab()),
        "{}: the checkpoint's vocabulary is not the one of this run: it can't be continued", stored.path);
  check(stored.config.str() == source_.tokenizer.str(),
        "{}: the checkpoint's text was cut with {}, that of this run is with {}: it can't be continued", path,
        stored.config.str(), source_.tokenizer.str());
  const std::string tuned = tuned_setting();
  if (!tuned.empty() && found.contains(tuned))
    take_tuned(JsonField(found, settings_place(kind_, path)).at(tuned));
}

void TaskSystem::save_settings(const std::filesystem::path& folder) const {
  BertConfig saved = config();
  saved.other_keys[kind_.settings_key] = json_text(saved_json());
  write_bert_config((folder / "config.json").string(), saved, kind_.architecture);
  write_tokenizer(folder, vocab(), source_.tokenizer);
}

void TaskSystem::save(const std::filesystem::path& folder) const {
  const Phase phase(fmt::format("saving to {}", folder.string()));
  save_settings(folder);
  save_tensors(parameters_, (folder / "model.safetensors").string(), config().model_type());
}

void TaskSystem::check_sequence_length(int64_t seq_length) const {
  check(seq_length <= config().max_position_embeddings,
        "--seq_length {} is above the model's max_position_embeddings {}", seq_length,
        config().max_position_embeddings);
}

}  // namespace gradus
