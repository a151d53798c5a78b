#include "tasks/ner/system.h"

#include <array>
#include <nlohmann/json.hpp>

namespace gradus {
namespace {

using Json = nlohmann::ordered_json;

constexpr TaskKind tagger_kind{"gradus_ner", "BertForTokenClassification", "run_ner", "tagger"};

constexpr std::array<LabelProtocol, 4> protocols{LabelProtocol::first_piece, LabelProtocol::x_pieces,
                                                 LabelProtocol::x_pieces_no_sep, LabelProtocol::all_pieces};

std::optional<LabelProtocol> protocol_of(const std::string& name) {
  for (const LabelProtocol protocol : protocols) {
    if (name == name_of(protocol)) return protocol;
  }
  return std::nullopt;
}

NerSettings parse_settings(const ModelSource& source) try {
  const Json json = source.task_settings(tagger_kind);
  NerSettings s;
  s.use_crf = json.at("use_crf");
  s.crf_constraints = json.at("crf_constraints");
  s.lstm_layers = json.at("lstm_layers");
  s.label_protocol = json.at("label_protocol");
  s.characters = json.at("characters");
  const auto expect = [&](bool good, const char* key, const std::string& expected) {
    check(good, "{}: \"{}\": '{}' is {}, expected {}", source.where, tagger_kind.settings_key, key,
          json.at(key).dump(), expected);
  };
  expect(s.lstm_layers >= 0 && s.lstm_layers <= max_lstm_layers, "lstm_layers",
         fmt::format("0 to {}", max_lstm_layers));
  expect(protocol_of(s.label_protocol).has_value(), "label_protocol",
         "first_piece, x_pieces, x_pieces_no_sep or all_pieces");
  return s;
} catch (const Json::exception& e) {
  fail("{}: \"{}\": {}", source.where, tagger_kind.settings_key, e.what());
}

// Throws Error when an option was set to what a trained tagger can't be any more.
void check_settings(const NerOptions& options, const NerSettings& saved, const std::string& folder) {
  const auto same = [&](const char* name, const auto& wanted, const auto& found) {
    options.check_fixed(name, wanted, found, tagger_kind.noun, folder);
  };
  same("use_crf", options.use_crf, saved.use_crf);
  same("crf_constraints", options.crf_constraints, saved.crf_constraints);
  same("with_lstm", options.with_lstm, saved.lstm_layers > 0);
  same("lstm_layers", options.lstm_layers, saved.lstm_layers);
  same("label_protocol", options.label_protocol, saved.label_protocol);
}

}  // namespace

NerSystem::NerSystem(ModelSource source, NerSettings settings, LabelList labels)
    : TaskSystem(std::move(source), tagger_kind, labels.tags()),
      settings_(std::move(settings)),
      labels_(std::move(labels)) {
  model_.emplace(Scope(parameters()), config(), head());
  check_weights();
}

std::unique_ptr<NerSystem> NerSystem::load(const NerOptions& options) {
  ModelSource source = ModelSource::of_trained(options, tagger_kind);
  NerSettings settings = parse_settings(source);
  check(!source.config.labels.empty(), "{}: no id2label: this is not a trained tagger", source.where);
  check_settings(options, settings, source.weights);
  LabelList labels(source.config.labels);
  if (!options.label_file_path.empty()) {
    LabelList asked = LabelList::load(options.label_file_path);
    add_protocol_labels(*protocol_of(settings.label_protocol), asked);
    check(asked.tags() == labels.tags(), "{}: the labels {}, the tagger in '{}' has {}",
          options.label_file_path, fmt::join(asked.tags(), ", "), source.weights,
          fmt::join(labels.tags(), ", "));
  }
  return std::unique_ptr<NerSystem>(new NerSystem(std::move(source), std::move(settings), std::move(labels)));
}

std::unique_ptr<NerSystem> NerSystem::create(const NerOptions& options, LabelList labels,
                                             std::optional<Vocab> vocab) {
  NerSettings settings;
  settings.use_crf = options.use_crf;
  settings.crf_constraints = options.crf_constraints;
  settings.lstm_layers = options.with_lstm ? options.lstm_layers : 0;
  settings.label_protocol = options.label_protocol;
  add_protocol_labels(*protocol_of(settings.label_protocol), labels);
  return std::unique_ptr<NerSystem>(
      new NerSystem(ModelSource::of_new(options, std::move(vocab)), std::move(settings), std::move(labels)));
}

Json NerSystem::settings_json() const {
  Json json{{"use_crf", settings_.use_crf},
            {"crf_constraints", settings_.crf_constraints},
            {"lstm_layers", settings_.lstm_layers},
            {"label_protocol", settings_.label_protocol},
            {"characters", settings_.characters}};
  json.update(task_settings().to_json());
  return json;
}

LabelProtocol NerSystem::protocol() const { return *protocol_of(settings_.label_protocol); }

NerHeadConfig NerSystem::head() const {
  NerHeadConfig head;
  head.tags = config().labels;
  head.use_crf = settings_.use_crf;
  head.crf_constraints = settings_.crf_constraints;
  head.lstm_layers = settings_.lstm_layers;
  head.dropout = static_cast<float>(task_settings().dropout);
  return head;
}

}  // namespace gradus
