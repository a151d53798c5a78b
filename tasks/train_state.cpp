#include "tasks/train_state.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "core/checked_json.h"
#include "core/files.h"
#include "nn/model_files.h"
#include "nn/safetensors.h"
#include "tasks/log.h"

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

// An object in a file, whose members have to be what they were written as.
class Fields {
 public:
  Fields(const Json& object, std::string where) : object_(object), where_(std::move(where)) {
    check(object.is_object(), "{}: found {}, expected an object", where_, excerpt(object));
  }

  const Json& at(const char* name) const {
    const auto found = object_.find(name);
    check(found != object_.end(), "{}: no \"{}\"", where_, name);
    return *found;
  }
  int64_t count(const char* name, int64_t least = 0) const {
    const Json& value = at(name);
    const bool is_whole =
        value.is_number_unsigned() ? value.get<uint64_t>() <= INT64_MAX : value.is_number_integer();
    expect(is_whole && value.get<int64_t>() >= least, name,
           fmt::format("a whole number, at least {}", least));
    return value;
  }
  double number(const char* name) const {
    expect(at(name).is_number(), name, "a number");
    return at(name);
  }
  std::vector<double> numbers(const char* name) const {
    const Json& list = at(name);
    expect(list.is_array() && std::ranges::all_of(list, [](const Json& x) { return x.is_number(); }), name,
           "a list of numbers");
    return list;
  }
  bool flag(const char* name) const {
    expect(at(name).is_boolean(), name, "true or false");
    return at(name);
  }
  Scores scores(const char* name) const {
    const Json& object = at(name);
    expect(object.is_object() && std::ranges::all_of(object, [](const Json& x) { return x.is_number(); }),
           name, "an object of numbers");
    Scores scores;
    for (const auto& [score, value] : object.items()) scores.emplace_back(score, value);
    return scores;
  }
  std::map<std::string, std::string> texts(const char* name) const {
    const Json& object = at(name);
    expect(object.is_object() && std::ranges::all_of(object, [](const Json& x) { return x.is_string(); }),
           name, "an object of texts");
    return object;
  }
  Fields fields(const char* name) const { return {at(name), fmt::format("{}: \"{}\"", where_, name)}; }
  void expect(bool good, const char* name, const std::string& expected) const {
    check(good, "{}: \"{}\" is {}, expected {}", where_, name, excerpt(at(name)), expected);
  }
  const std::string& where() const { return where_; }

 private:
  static std::string excerpt(const Json& value) {
    constexpr size_t most = 60;
    const std::string text = value.dump();
    return text.size() <= most ? text : text.substr(0, most) + "...";
  }

  const Json& object_;
  std::string where_;
};

TrainHistory parse_history(const Fields& history) {
  TrainHistory result;
  result.losses = LossCurve{history.numbers("losses"), history.count("steps_per_loss", 1),
                            history.number("rest"), history.count("rest_steps")};
  const Json& evaluations = history.at("evaluations");
  history.expect(evaluations.is_array(), "evaluations", "a list");
  for (const Json& evaluation : evaluations) {
    const Fields point(evaluation, history.where() + ": \"evaluations\"");
    result.evaluations.push_back({point.count("step"), point.scores("scores")});
  }
  return result;
}

Json read_state(const std::filesystem::path& path) {
  return parse_ordered_json(read_file(path), path.string());
}

void check_same(const Fields& state, std::string_view what, const char* name, int64_t expected) {
  const int64_t found = state.count(name);
  check(found == expected, "{}: the checkpoint was made with {} {}, this run has {}: it can't be continued",
        state.where(), what, found, expected);
}

// Throws Error unless the state is of the run that `expected` describes.
void check_same_run(const Fields& state, const TrainState& expected) {
  check_same(state, "seed", "seed", static_cast<int64_t>(expected.seed));
  check_same(state, "training examples", "examples", expected.examples);
  check_same(state, "train_batch_size", "batch_size", expected.batch_size);
  check_same(state, "train_batch_tokens", "batch_tokens", expected.batch_tokens);
  check_same(state, "gradient_accumulation_steps", "accumulation_steps", expected.accumulation_steps);
  const bool shuffle = state.flag("shuffle");
  check(shuffle == expected.shuffle,
        "{}: the checkpoint was made with train_data_shuffle {}, this run has {}: it can't be continued",
        state.where(), shuffle, expected.shuffle);
  check(state.count("data_checksum") == expected.data_checksum,
        "{}: the checkpoint was made with other training data, or cut into other sequences: it can't be "
        "continued",
        state.where());
}

// Fills a moment from its tensor in a file; `least` is the smallest value that it may have.
void read_moment(const SafetensorsFile& file, const std::string& name, const Tensor& moment, float least) {
  const auto size = moment.shape().elements();
  const TensorEntry* entry = file.find(name);
  check(entry != nullptr && entry->elements() == size, "{}: no moments of {} elements under the name '{}'",
        file.path(), size, name);
  std::vector<float> values(static_cast<size_t>(size));
  copy_as_float(*entry, values);
  for (const float value : values) {
    check(std::isfinite(value) && value >= least,
          "{}: '{}' has the value {}, expected {}: the file is damaged", file.path(), name, value,
          least == 0 ? "numbers, none below 0" : "numbers");
  }
  moment.copy_from_host(values);
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

bool has_train_state(const std::filesystem::path& folder) try {
  const Json json = Json::parse(read_file(folder / state_file));
  return json.is_object() && json.contains("step") && json.contains("optimizer_steps");
} catch (const std::exception&) {
  return false;
}

int64_t trained_steps(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / state_file;
  return std::filesystem::exists(path) ? Fields(read_state(path), path.string()).count("step") : 0;
}

std::optional<EvaluationPoint> saved_evaluation(const std::filesystem::path& folder, const TrainState& run) {
  const std::filesystem::path path = folder / state_file;
  const Json json = read_state(path);
  const Fields state(json, path.string());
  check_same_run(state, run);
  if (run.evaluation_checksum != 0 && state.count("evaluation_checksum") != run.evaluation_checksum)
    return std::nullopt;
  const TrainHistory history = parse_history(state.fields("history"));
  const int64_t step = state.count("step");
  if (history.evaluations.empty() || history.evaluations.back().step != step) return std::nullopt;
  return history.evaluations.back();
}

TrainState load_train_state(const std::filesystem::path& folder, const TrainState& expected,
                            Optimizer& optimizer, Parameters& parameters, std::FILE* log) {
  const std::filesystem::path path = folder / state_file;
  const Json json = read_state(path);
  const Fields fields(json, path.string());
  check_same_run(fields, expected);
  for (const auto& [name, value] : fields.texts("settings")) {
    const auto now = expected.settings.find(name);
    if (now == expected.settings.end() || value == now->second) continue;
    print_log(log, "note: {} was {} when the checkpoint was made, now it is {}\n", name, value, now->second);
  }

  TrainState state = expected;
  state.step = fields.count("step");
  state.recent_losses = fields.numbers("recent_losses");
  state.best_step = fields.count("best_step", -1);
  state.best_scores = fields.scores("best_scores");
  state.evaluations_since_best = fields.count("evaluations_since_best");
  state.history = parse_history(fields.fields("history"));
  check(state.best_step < 0 || !state.best_scores.empty(), "{}: a best step without scores", path.string());
  const int64_t scored_on = fields.count("evaluation_checksum");
  if (expected.evaluation_checksum == 0) {
    state.evaluation_checksum =
        static_cast<uint32_t>(scored_on);  // this run scores nothing: what is best stays so
  } else if (scored_on != expected.evaluation_checksum && state.best_step >= 0) {
    print_log(log,
              "note: the evaluation data was another when the checkpoint was made: the best is found anew\n");
    state.best_step = -1;
    state.best_scores.clear();
    state.evaluations_since_best = 0;
  }

  load_tensors(folder.string(), parameters, {""}, 0);  // every tensor is required
  const SafetensorsFile moments((folder / optimizer_file).string());
  for_each_moment(optimizer, parameters,
                  [&](const std::string& name, const NamedTensor&, const Tensor& moment) {
                    constexpr float any = std::numeric_limits<float>::lowest();
                    read_moment(moments, name, moment, name.starts_with("v.") ? 0 : any);
                  });
  const int64_t optimizer_steps = fields.count("optimizer_steps");
  fields.expect(optimizer_steps == state.step, "optimizer_steps",
                fmt::format("{}, as many as \"step\"", state.step));
  optimizer.set_steps(optimizer_steps);
  return state;
}

}  // namespace gradus
