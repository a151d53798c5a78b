#include "tasks/ner/system.h"

#include <algorithm>
#include <array>
#include <set>
#include <sstream>

#include "core/io/checked_json.h"
#include "core/joined.h"

namespace gradus {
namespace {

constexpr std::array<LabelProtocol, 4> protocols{LabelProtocol::first_piece, LabelProtocol::x_pieces,
                                                 LabelProtocol::x_pieces_no_sep, LabelProtocol::all_pieces};

constexpr std::array<std::pair<WordRules::Cut, const char*>, 3> cuts{
    {{WordRules::Cut::reference, "reference"},
     {WordRules::Cut::characters, "characters"},
     {WordRules::Cut::blanks, "blanks"}}};

Json to_json(const WordRules& rules) {
  const auto name = std::ranges::find(cuts, rules.cut, &decltype(cuts)::value_type::first);
  Json json{{"cut", name->second}};
  if (rules.cut == WordRules::Cut::characters) json["blank_words"] = rules.blank_words;
  if (rules.cut != WordRules::Cut::blanks) return json;
  json["first_marks"] = rules.first_marks;
  json["last_marks"] = rules.last_marks;
  json["endings"] = rules.endings;
  json["ideographs_alone"] = rules.ideographs_alone;
  const std::set<std::string> kept(rules.kept.begin(), rules.kept.end());
  json["kept"] = joined(kept, " ").str();  // one line, not thousands
  return json;
}

WordRules word_rules_from(const JsonField& saved) {
  WordRules rules;
  const JsonField name = saved.at("cut");
  const std::string text = name.text();
  const auto cut = std::ranges::find(cuts, text, &decltype(cuts)::value_type::second);
  name.check(cut != cuts.end(), "reference, characters or blanks");
  rules.cut = cut->first;
  if (const auto blank_words = saved.find("blank_words")) rules.blank_words = blank_words->boolean();
  if (rules.cut != WordRules::Cut::blanks) return rules;
  rules.first_marks = saved.at("first_marks").text();
  rules.last_marks = saved.at("last_marks").text();
  for (const JsonField& ending : saved.at("endings").items()) rules.endings.push_back(ending.text());
  rules.ideographs_alone = saved.at("ideographs_alone").boolean();
  std::istringstream kept(saved.at("kept").text());
  for (std::string word; std::getline(kept, word, ' ');) rules.kept.insert(word);
  return rules;
}

std::optional<LabelProtocol> protocol_of(const std::string& name) {
  for (const LabelProtocol protocol : protocols) {
    if (name == name_of(protocol)) return protocol;
  }
  return std::nullopt;
}

NerSettings parse_settings(const ModelSource& source) {
  const Json json = source.task_settings(tagger_kind);
  const JsonField saved(json, settings_place(tagger_kind, source.where));
  const JsonField protocol = saved.at("label_protocol");
  NerSettings s;
  s.use_crf = saved.at("use_crf").boolean();
  s.crf_constraints = saved.at("crf_constraints").boolean();
  s.lstm_layers = saved.at("lstm_layers").integer(0, max_lstm_layers);
  s.label_protocol = protocol.text();
  s.characters = saved.at("characters").boolean();
  protocol.check(protocol_of(s.label_protocol).has_value(),
                 "first_piece, x_pieces, x_pieces_no_sep or all_pieces");
  if (const auto rules = saved.find("word_rules")) s.word_rules = word_rules_from(*rules);
  if (const auto scheme = saved.find("tag_scheme"); scheme && !scheme->text().empty()) {
    s.tag_scheme = find_scheme(scheme->text());
    scheme->check(s.tag_scheme.has_value(), "IOB1, IOB2, IOE1, IOE2 or BIOES");
  }
  if (const auto columns = saved.find("columns"))
    s.columns = {columns->at("text").text(), columns->at("label").text(), columns->at("sentence").text()};
  return s;
}

LabelList labels_of(const ModelSource& source) try {
  check(!source.config.labels.empty(), "no id2label: this is not a trained tagger");
  return LabelList(source.config.labels);
} catch (const Error& error) {
  fail("{}: {}", source.where, error.what());
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
  if (saved.tag_scheme) same("tag_scheme", options.tag_scheme, std::string(name_of(*saved.tag_scheme)));
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
  check_settings(options, settings, source.weights);
  if (!settings.tag_scheme) settings.tag_scheme = find_scheme(options.tag_scheme);
  LabelList labels = labels_of(source);
  if (!options.label_file_path.empty()) {
    LabelList asked = LabelList::load(options.label_file_path);
    add_protocol_labels(*protocol_of(settings.label_protocol), asked);
    check(asked.tags() == labels.tags(), "{}: the labels {}, the tagger in '{}' has {}",
          options.label_file_path, joined(asked.tags(), ", "), source.weights, joined(labels.tags(), ", "));
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
  if (settings_.word_rules) json["word_rules"] = to_json(*settings_.word_rules);
  if (settings_.tag_scheme) json["tag_scheme"] = name_of(*settings_.tag_scheme);
  if (const NerColumnNames& columns = settings_.columns; !columns.empty())
    json["columns"] = {{"text", columns.text}, {"label", columns.label}, {"sentence", columns.sentence}};
  return json;
}

LabelProtocol NerSystem::protocol() const { return *protocol_of(settings_.label_protocol); }

void NerSystem::set_tag_scheme(TagScheme scheme) {
  settings_.tag_scheme = scheme;
  if (settings_.use_crf && settings_.crf_constraints) model_->constrain(transition_rules());
}

void NerSystem::set_word_rules(WordRules rules) {
  settings_.characters = rules.cut == WordRules::Cut::characters;
  settings_.word_rules = std::move(rules);
}

WordRules NerSystem::word_rules() const {
  WordRules of_old;
  if (settings_.characters) of_old.cut = WordRules::Cut::characters;
  return settings_.word_rules.value_or(of_old);
}

TagScheme NerSystem::tag_scheme() const {
  if (settings_.tag_scheme) return *settings_.tag_scheme;
  return TagReader(labels_.tags()).schemes().front();
}

TagReader NerSystem::tag_reader(const std::string& method) const {
  return TagReader(labels_.tags(), method == "span_strict" ? std::optional(tag_scheme()) : std::nullopt);
}

TransitionRules NerSystem::transition_rules() const {
  const TagReader reader(labels_.tags());
  const TagScheme scheme = tag_scheme();
  TransitionRules rules;
  for (const std::string& tag : labels_.tags()) {
    const TagParts parts = reader.parts(tag);
    rules.start.push_back(transition_allowed(scheme, TagParts(), parts));
    rules.end.push_back(transition_allowed(scheme, parts, TagParts()));
    for (const std::string& next : labels_.tags())
      rules.transitions.push_back(transition_allowed(scheme, parts, reader.parts(next)));
  }
  return rules;
}

NerHeadConfig NerSystem::head() const {
  NerHeadConfig head;
  head.tags = labels_.size();
  head.use_crf = settings_.use_crf;
  if (settings_.use_crf && settings_.crf_constraints) head.crf_constraints = transition_rules();
  head.lstm_layers = settings_.lstm_layers;
  head.dropout = static_cast<float>(task_settings().dropout);
  return head;
}

}  // namespace gradus
