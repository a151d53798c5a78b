#include "tasks/export/exported_model.h"

#include "core/io/json.h"
#include "nn/export/bert_graph.h"
#include "tasks/classifier/system.h"
#include "tasks/ner/system.h"
#include "tasks/squad/system.h"

namespace gradus {
namespace {

// The model of a task that Gradus trains.
template <typename System>
class ExportedTask : public ExportedModel {
 public:
  explicit ExportedTask(std::unique_ptr<System> system)
      : ExportedModel(system->config(), system->weights()), system_(std::move(system)) {}

  const System& system() const { return *system_; }
  void save_settings(const std::filesystem::path& folder) const override { system_->save_settings(folder); }

 protected:
  FileMetadata described(const char* task, const char* decoding) const {
    return {{"task", task},
            {"decoding", decoding},
            {"labels", json_text(Json(config().labels))},
            {"settings", json_text(system_->saved_json())},
            {"tokenizer", json_text(tokenizer_json(system_->vocab(), system_->tokenizer_config()))},
            {"vocabulary", "vocab.txt"}};
  }

 private:
  std::unique_ptr<System> system_;
};

class ExportedTagger final : public ExportedTask<NerSystem> {
 public:
  ExportedTagger(std::unique_ptr<NerSystem> system, bool viterbi)
      : ExportedTask(std::move(system)), head_(this->system().head()), viterbi_(viterbi) {
    check(!viterbi || head_.use_crf, "--viterbi: the tagger in '{}' has no CRF", weights().path());
  }

  std::string usual_name() const override { return "bert_ner"; }
  std::string description() const override {
    return fmt::format("a tagger of {} tags{}{}", head_.tags,
                       head_.lstm_layers > 0 ? fmt::format(" with a BiLSTM of {} layer{}", head_.lstm_layers,
                                                           head_.lstm_layers == 1 ? "" : "s")
                                             : "",
                       !head_.use_crf          ? ""
                       : head_.lstm_layers > 0 ? " and a CRF"
                                               : " with a CRF");
  }

  void build(GraphBuilder& graph) const override {
    const TaggerValues built = build_tagger(graph, config(),
                                            {.tags = head_.tags,
                                             .lstm_layers = head_.lstm_layers,
                                             .by_words = viterbi_,
                                             .output = head_.use_crf ? "emissions" : "logits"});
    if (!viterbi_) return;
    // As in NerModel, scores are float32 from here on.
    graph.compute_in(DType::float32);
    graph.output_best_tags("tags", built.scores, *built.lengths, crf());
  }

  FileMetadata metadata() const override {
    FileMetadata metadata = described("ner", !head_.use_crf ? "argmax" : viterbi_ ? "tags" : "viterbi");
    if (!head_.use_crf) return metadata;
    const CrfNumbers scores = crf();
    Json transitions = Json::array();
    const auto tags = static_cast<size_t>(head_.tags);
    for (size_t tag = 0; tag < tags; ++tag) {
      const auto row = scores.transitions.begin() + static_cast<std::ptrdiff_t>(tag * tags);
      transitions.push_back(numbers({row, row + static_cast<std::ptrdiff_t>(tags)}));
    }
    metadata.emplace_back("transitions", json_text(transitions));
    metadata.emplace_back("start_transitions", json_text(numbers(scores.start)));
    metadata.emplace_back("end_transitions", json_text(numbers(scores.end)));
    return metadata;
  }

 private:
  static Json numbers(const std::vector<float>& values) {
    Json list = Json::array();
    for (const float value : values) list.push_back(static_cast<double>(value));
    return list;
  }

  // The scores that decide, what is forbidden included.
  CrfNumbers crf() const {
    const auto scores = [&](const std::string& name, const std::vector<bool>* allowed) {
      const ModelTensors::Tensor* found = weights().find("crf." + name);
      check(found != nullptr, "{}: no tensor is crf.{}, which a CRF has", weights().path(), name);
      std::vector<float> values(
          static_cast<size_t>(name == "transitions" ? head_.tags * head_.tags : head_.tags));
      weights().read(*found, values);
      if (allowed == nullptr) return values;
      const std::vector<float> masks = score_masks(*allowed);
      for (size_t i = 0; i < values.size(); ++i) values[i] += masks[i];
      return values;
    };
    const TransitionRules* rules = head_.crf_constraints ? &*head_.crf_constraints : nullptr;
    return {scores("transitions", rules ? &rules->transitions : nullptr),
            scores("start_transitions", rules ? &rules->start : nullptr),
            scores("end_transitions", rules ? &rules->end : nullptr)};
  }

  NerHeadConfig head_;
  bool viterbi_;
};

class ExportedClassifier final : public ExportedTask<ClassifierSystem> {
 public:
  using ExportedTask::ExportedTask;

  std::string usual_name() const override { return "bert_classifier"; }
  std::string description() const override {
    switch (system().problem()) {
      case ProblemType::multi_label:
        return fmt::format("a classifier of texts with any of {} labels", system().labels()->size());
      case ProblemType::regression:
        return "a model of scores";
      case ProblemType::single_label:
        break;
    }
    return fmt::format("a classifier of {} classes", system().labels()->size());
  }
  void build(GraphBuilder& graph) const override {
    build_classifier(graph, config(), system().head().classes);
  }
  FileMetadata metadata() const override {
    switch (system().problem()) {
      case ProblemType::multi_label: {
        FileMetadata metadata = described("multi_label_classification", "sigmoid");
        metadata.emplace_back("thresholds", json_text(Json(system().thresholds())));
        return metadata;
      }
      case ProblemType::regression:
        return described("regression", "score");
      case ProblemType::single_label:
        break;
    }
    return described("classification", "softmax");
  }
};

class ExportedSquad final : public ExportedTask<SquadSystem> {
 public:
  using ExportedTask::ExportedTask;

  std::string usual_name() const override { return "bert_squad"; }
  std::string description() const override { return "a model that finds answers"; }
  void build(GraphBuilder& graph) const override { build_squad(graph, config()); }
  FileMetadata metadata() const override { return described("question_answering", "span"); }
};

// A model of no task: with the heads of pretraining, or an encoder alone.
class ExportedPretrained final : public ExportedModel {
 public:
  // `task` as in the options; auto: what there is.
  ExportedPretrained(ModelSource source, const std::string& task)
      : ExportedModel(source.config, source.weights), source_(std::move(source)) {
    has_pooler_ = weights().find("bert.pooler.dense.weight") != nullptr;
    const bool has_heads = has_pooler_ && weights().find("cls.predictions.bias") != nullptr &&
                           weights().find("cls.seq_relationship.weight") != nullptr;
    check(has_heads || task != "pretraining",
          "{}: not all heads of pretraining are there: --task encoder exports what is below them",
          weights().path());
    with_heads_ = has_heads && task != "encoder";
  }

  std::string usual_name() const override { return with_heads_ ? "bert_pretraining" : "bert"; }
  std::string description() const override {
    return with_heads_   ? "a pretrained model with its heads"
           : has_pooler_ ? "an encoder"
                         : "an encoder without a pooler";
  }
  void build(GraphBuilder& graph) const override {
    if (with_heads_) build_pretraining(graph, config());
    else build_encoder(graph, config(), has_pooler_);
  }
  FileMetadata metadata() const override {
    return {{"task", with_heads_ ? "pretraining" : "encoder"},
            {"tokenizer", json_text(tokenizer_json(source_.vocab, source_.tokenizer))},
            {"vocabulary", "vocab.txt"}};
  }
  void save_settings(const std::filesystem::path& folder) const override {
    write_bert_config((folder / "config.json").string(), config(),
                      with_heads_ ? "BertForPreTraining" : "BertModel");
    write_tokenizer(folder, source_.vocab, source_.tokenizer);
  }

 private:
  ModelSource source_;
  bool has_pooler_ = false, with_heads_ = false;
};

template <typename TaskOptions>
TaskOptions options_for(const ExportOptions& options) {
  TaskOptions asked;
  asked.load_finetune_checkpoint_path = options.load_finetune_checkpoint_path;
  asked.vocab_file_path = options.vocab_file_path;
  return asked;
}

// Which task the model is for; nothing of a pretrained one.
std::string task_of(const ExportOptions& options) {
  if (options.task != "auto") return options.task;
  const TaskKind* kind = find_kind_of_trained(options.load_finetune_checkpoint_path,
                                              {&tagger_kind, &classifier_kind, &squad_kind});
  if (kind == &tagger_kind) return "ner";
  if (kind == &classifier_kind) return "classifier";
  return kind == &squad_kind ? "squad" : "auto";
}

}  // namespace

std::unique_ptr<ExportedModel> ExportedModel::open(const ExportOptions& options) {
  const std::string task = task_of(options);
  check(!options.viterbi || task == "ner", "--viterbi: it is taggers that have a CRF");
  std::unique_ptr<ExportedModel> model;
  if (task == "ner") {
    model =
        std::make_unique<ExportedTagger>(NerSystem::load(options_for<NerOptions>(options)), options.viterbi);
  } else if (task == "classifier") {
    model =
        std::make_unique<ExportedClassifier>(ClassifierSystem::load(options_for<ClassifierOptions>(options)));
  } else if (task == "squad") {
    model = std::make_unique<ExportedSquad>(SquadSystem::load(options_for<SquadDriverOptions>(options)));
  } else {
    FineTuneOptions asked = options_for<FineTuneOptions>(options);
    asked.load_pretrain_checkpoint_path = std::exchange(asked.load_finetune_checkpoint_path, "");
    model = std::make_unique<ExportedPretrained>(ModelSource::of_new(asked, std::nullopt), task);
  }
  check(options.seq_length <= model->config().max_position_embeddings,
        "--seq_length {} is above the model's max_position_embeddings {}", options.seq_length,
        model->config().max_position_embeddings);
  return model;
}

}  // namespace gradus
