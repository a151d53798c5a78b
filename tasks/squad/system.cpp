#include "tasks/squad/system.h"

#include "core/io/checked_json.h"

namespace gradus {
namespace {

SquadSettings parse_settings(const ModelSource& source) {
  const Json json = source.task_settings(squad_kind);
  const JsonField saved(json, settings_place(squad_kind, source.where));
  SquadSettings s;
  s.version_2 = saved.at("version_2").boolean();
  s.null_score_diff_threshold = saved.at("null_score_diff_threshold").number();
  return s;
}

}  // namespace

SquadSystem::SquadSystem(ModelSource source, SquadSettings settings, bool threshold_given)
    : TaskSystem(std::move(source), squad_kind, {}), settings_(settings), threshold_given_(threshold_given) {
  check(config().type_vocab_size > 1,
        "the model has one type of tokens (type_vocab_size): expected two, for the question and the text");
  model_.emplace(Scope(parameters()), config());
  check_weights();
}

std::unique_ptr<SquadSystem> SquadSystem::load(const SquadDriverOptions& options) {
  ModelSource source = ModelSource::of_trained(options, squad_kind);
  SquadSettings settings = parse_settings(source);
  const bool given = options.given.contains("null_score_diff_threshold");
  if (given) settings.null_score_diff_threshold = options.null_score_diff_threshold;
  return std::unique_ptr<SquadSystem>(new SquadSystem(std::move(source), settings, given));
}

std::unique_ptr<SquadSystem> SquadSystem::create(const SquadDriverOptions& options) {
  SquadSettings settings;
  settings.null_score_diff_threshold = options.null_score_diff_threshold;
  return std::unique_ptr<SquadSystem>(new SquadSystem(ModelSource::of_new(options, std::nullopt), settings,
                                                      options.given.contains("null_score_diff_threshold")));
}

Json SquadSystem::settings_json() const {
  return {{"version_2", settings_.version_2},
          {"null_score_diff_threshold", settings_.null_score_diff_threshold}};
}

}  // namespace gradus
