#include "tasks/train_state.h"

#include <nlohmann/json.hpp>

#include "core/files.h"
#include "nn/model_files.h"
#include "nn/safetensors.h"

namespace gradus {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* state_file = "trainer_state.json";
constexpr const char* optimizer_file = "optimizer.safetensors";

Json to_json(const Scores& scores) {
  Json json = Json::object();
  for (const auto& [name, value] : scores) json[name] = value;
  return json;
}

Json to_json(const TrainHistory& history) {
  Json evaluations = Json::array();
  for (const EvaluationPoint& point : history.evaluations)
    evaluations.push_back({{"step", point.step}, {"scores", to_json(point.scores)}});
  const LossCurve& losses = history.losses;
  return {{"losses", losses.points()},
          {"steps_per_loss", losses.steps_per_point()},
          {"rest", losses.rest()},
          {"rest_steps", losses.rest_steps()},
          {"evaluations", std::move(evaluations)}};
}

Scores parse_scores(const Json& json) {
  Scores scores;
  for (const auto& [name, value] : json.items()) scores.emplace_back(name, value);
  return scores;
}

TrainHistory parse_history(const Json& json) {
  TrainHistory history;
  history.losses = LossCurve(json.at("losses").get<std::vector<double>>(), json.at("steps_per_loss"),
                             json.at("rest"), json.at("rest_steps"));
  for (const Json& point : json.at("evaluations"))
    history.evaluations.push_back({point.at("step"), parse_scores(point.at("scores"))});
  return history;
}

void check_same(const std::filesystem::path& path, std::string_view name, int64_t found, int64_t expected) {
  check(found == expected, "{}: the checkpoint was made with {} {}, this run has {}: it can't be continued",
        path.string(), name, found, expected);
}

// The moments of each tensor as entries named "m.<tensor>" and "v.<tensor>".
template <typename Visit>
void for_each_moment(const Optimizer& optimizer, const Parameters& parameters, Visit&& visit) {
  for (const NamedTensor& tensor : parameters.tensors()) {
    visit("m." + tensor.name, tensor, optimizer.first_moment().view(tensor.segment.offset, tensor.shape));
    visit("v." + tensor.name, tensor, optimizer.second_moment().view(tensor.segment.offset, tensor.shape));
  }
}

}  // namespace

void save_train_state(const std::filesystem::path& folder, const TrainState& state,
                      const Optimizer& optimizer, const Parameters& parameters) {
  Json json{{"step", state.step},
            {"optimizer_steps", optimizer.steps()},
            {"seed", state.seed},
            {"examples", state.examples},
            {"batch_size", state.batch_size},
            {"batch_tokens", state.batch_tokens},
            {"accumulation_steps", state.accumulation_steps},
            {"shuffle", state.shuffle},
            {"data_checksum", state.data_checksum},
            {"evaluation_checksum", state.evaluation_checksum},
            {"settings", state.settings},
            {"recent_losses", state.recent_losses},
            {"best_scores", to_json(state.best_scores)},
            {"best_step", state.best_step},
            {"evaluations_since_best", state.evaluations_since_best},
            {"history", to_json(state.history)}};
  replace_file(folder / state_file, json.dump(2) + "\n");

  std::vector<std::vector<float>> values;
  std::vector<TensorEntry> entries;
  values.reserve(2 * parameters.tensors().size());
  for_each_moment(
      optimizer, parameters, [&](const std::string& name, const NamedTensor& tensor, const Tensor& moment) {
        values.push_back(moment.to_host());
        entries.push_back({name, "F32", {tensor.segment.size}, std::as_bytes(std::span(values.back()))});
      });
  write_safetensors((folder / optimizer_file).string(), entries);
}

int64_t trained_steps(const std::filesystem::path& folder) try {
  const std::filesystem::path path = folder / state_file;
  return std::filesystem::exists(path) ? Json::parse(read_file(path)).at("step").get<int64_t>() : 0;
} catch (const nlohmann::json::exception& e) {
  fail("{}: not a trainer state: {}", (folder / state_file).string(), e.what());
}

TrainState load_train_state(const std::filesystem::path& folder, const TrainState& expected,
                            Optimizer& optimizer, Parameters& parameters, std::FILE* log) try {
  const std::filesystem::path path = folder / state_file;
  const Json json = Json::parse(read_file(path));
  check_same(path, "seed", json.at("seed"), static_cast<int64_t>(expected.seed));
  check_same(path, "training examples", json.at("examples"), expected.examples);
  check_same(path, "train_batch_size", json.at("batch_size"), expected.batch_size);
  check_same(path, "train_batch_tokens", json.at("batch_tokens"), expected.batch_tokens);
  check_same(path, "gradient_accumulation_steps", json.at("accumulation_steps"), expected.accumulation_steps);

  check_same(path, "train_data_shuffle", json.at("shuffle").get<bool>() ? 1 : 0, expected.shuffle ? 1 : 0);
  check(json.at("data_checksum") == expected.data_checksum,
        "{}: the checkpoint was made with other training data, or cut into other sequences: it can't be "
        "continued",
        path.string());
  for (const auto& [name, value] : json.at("settings").get<std::map<std::string, std::string>>()) {
    const auto now = expected.settings.find(name);
    if (now == expected.settings.end() || value == now->second) continue;
    fmt::print(log, "note: {} was {} when the checkpoint was made, now it is {}\n", name, value, now->second);
  }

  TrainState state = expected;
  state.step = json.at("step");
  check(state.step >= 0, "{}: step {}, expected 0 or more", path.string(), state.step);
  state.recent_losses = json.at("recent_losses").get<std::vector<double>>();
  state.best_step = json.at("best_step");
  state.best_scores = parse_scores(json.at("best_scores"));
  state.evaluations_since_best = json.at("evaluations_since_best");
  state.history = parse_history(json.at("history"));
  check(state.best_step < 0 || !state.best_scores.empty(), "{}: a best step without scores", path.string());
  const uint32_t scored_on = json.value("evaluation_checksum", expected.evaluation_checksum);
  if (expected.evaluation_checksum == 0) {
    state.evaluation_checksum = scored_on;  // this run scores nothing: what is best stays so
  } else if (scored_on != expected.evaluation_checksum && state.best_step >= 0) {
    fmt::print(
        log, "note: the evaluation data was another when the checkpoint was made: the best is found anew\n");
    state.best_step = -1;
    state.best_scores.clear();
    state.evaluations_since_best = 0;
  }

  load_tensors(folder.string(), parameters, {""}, 0);  // every tensor is required
  const SafetensorsFile moments((folder / optimizer_file).string());
  for_each_moment(
      optimizer, parameters, [&](const std::string& name, const NamedTensor& tensor, const Tensor& moment) {
        const TensorEntry* entry = moments.find(name);
        check(entry != nullptr && entry->elements() == tensor.segment.size,
              "{}: no moments of {} elements under the name '{}'", moments.path(), tensor.segment.size, name);
        std::vector<float> values(static_cast<size_t>(tensor.segment.size));
        copy_as_float(*entry, values);
        moment.copy_from_host(values);
      });
  optimizer.set_steps(json.at("optimizer_steps"));
  return state;
} catch (const nlohmann::json::exception& e) {
  fail("{}: not a trainer state: {}", (folder / state_file).string(), e.what());
}

}  // namespace gradus
