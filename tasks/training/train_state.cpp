#include "tasks/training/train_state.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/io/checked_json.h"
#include "core/io/crc32c.h"
#include "nn/checkpoints/model_files.h"
#include "nn/checkpoints/safetensors.h"
#include "nn/checkpoints/saved_tensors.h"
#include "tasks/log/log.h"

namespace gradus {
namespace {

using Field = JsonField;

constexpr const char* state_file = "trainer_state.json";
constexpr const char* optimizer_file = "optimizer.safetensors";

Json to_json(const Scores& scores) {
  Json json = Json::object();
  for (const auto& [name, value] : scores) json[name] = value;
  return json;
}

// What the points of a curve and their width are called.
struct CurveNames {
  const char *points, *steps_per_point;
};
constexpr CurveNames loss_names{"losses", "steps_per_loss"}, curve_names{"points", "steps_per_point"};

// The curves beside the losses.
constexpr std::pair<const char*, StepCurve TrainHistory::*> other_curves[] = {
    {"learning_rates", &TrainHistory::learning_rates},
    {"gradient_norms", &TrainHistory::gradient_norms},
    {"loss_scales", &TrainHistory::loss_scales}};

Json to_json(const StepCurve& curve, const CurveNames& names) {
  Json points = Json::array();
  for (const double point : curve.points()) points.push_back(std::isnan(point) ? Json(nullptr) : Json(point));
  return {{names.points, std::move(points)},
          {names.steps_per_point, curve.steps_per_point()},
          {"rest", curve.rest()},
          {"rest_steps", curve.rest_steps()},
          {"rest_numbers", curve.rest_numbers()}};
}

Json to_json(const TrainHistory& history) {
  Json evaluations = Json::array();
  for (const EvaluationPoint& point : history.evaluations)
    evaluations.push_back({{"step", point.step}, {"scores", to_json(point.scores)}});
  Json json = to_json(history.losses, loss_names);
  for (const auto& [name, curve] : other_curves) json[name] = to_json(history.*curve, curve_names);
  json["evaluations"] = std::move(evaluations);
  return json;
}

Scores parse_scores(const Field& field) {
  Scores scores;
  for (const auto& [name, value] : field.members()) scores.emplace_back(name, value.number());
  return scores;
}

StepCurve parse_curve(const Field& field, const CurveNames& names) {
  const Field list = field.at(names.points);
  std::vector<double> points;
  for (const Field& point : list.items()) points.push_back(point.number_or_nan());
  list.check(points.size() <= StepCurve::most_points,
             fmt::format("at most {} numbers", StepCurve::most_points));
  const int64_t width = field.at(names.steps_per_point).integer(1);
  const int64_t rest_steps = field.at("rest_steps").integer(0, width - 1);
  // Not there before a step could be without a number.
  const auto numbers = field.find("rest_numbers");
  return {std::move(points), width, field.at("rest").number(), rest_steps,
          numbers ? numbers->integer(0, rest_steps) : rest_steps};
}

TrainHistory parse_history(const Field& field) {
  TrainHistory history;
  history.losses = parse_curve(field, loss_names);
  for (const auto& [name, curve] : other_curves)
    if (const auto found = field.find(name)) history.*curve = parse_curve(*found, curve_names);
  for (const Field& point : field.at("evaluations").items())
    history.evaluations.push_back({point.at("step").integer(0), parse_scores(point.at("scores"))});
  return history;
}

// What the next step goes on from. `start` is what a run begins with: a checkpoint of a run whose loss scale did not follow the
// gradients has none.
StepNumbers parse_numbers(const Field& saved, const StepNumbers& start, bool follows_scale) {
  constexpr int64_t most = std::numeric_limits<int32_t>::max();
  StepNumbers numbers = start;
  numbers.updates = static_cast<int32_t>(
      saved.at("optimizer_steps").integer(0, std::min(saved.at("step").integer(0), most)));
  const auto scale = saved.find("loss_scale");
  if (!follows_scale || !scale) return numbers;
  const Field value = scale->at("value");
  numbers.loss_scale = static_cast<float>(value.number());
  value.check(numbers.loss_scale >= 1 && std::isfinite(numbers.loss_scale), "a number of 1 or more");
  numbers.good_steps = static_cast<int32_t>(scale->at("good_steps").integer(0, most));
  numbers.skipped_in_a_row = static_cast<int32_t>(scale->at("skipped_in_a_row").integer(0, most));
  return numbers;
}

// Throws Error unless the state, in the file `where`, is of the run that `expected` describes.
void check_same_run(const Field& state, const std::string& where, const TrainState& expected) {
  const auto same = [&](std::string_view what, const char* name, int64_t now) {
    const int64_t saved = state.at(name).integer();
    check(saved == now, "{}: the checkpoint was made with {} {}, this run has {}: it can't be continued",
          where, what, saved, now);
  };
  const auto streamed = state.find("streamed");  // not there before there was such a thing
  const bool was_streamed = streamed && streamed->boolean();
  check(was_streamed == expected.streamed,
        "{}: the checkpoint was made with {}: it can't be continued otherwise: {}", where,
        was_streamed ? "streamed records" : "records that were read before",
        was_streamed ? "give --stream" : "give a larger --memory_mb, and no --stream");
  same("seed", "seed", static_cast<int64_t>(expected.seed));
  same("training examples", "examples", expected.examples);
  same("train_batch_tokens", "batch_tokens", expected.batch_tokens);
  // Where batches are made of so many examples, a step has the same ones in however many batches.
  const int64_t batch_size = state.at("batch_size").integer(1),
                accumulation = state.at("accumulation_steps").integer(1);
  if (accumulation == expected.accumulation_steps)
    same("train_batch_size", "batch_size", expected.batch_size);
  check(batch_size * accumulation == expected.batch_size * expected.accumulation_steps &&
            (batch_size == expected.batch_size || expected.batch_tokens == 0),
        "{}: the checkpoint was made with train_batch_size {} and {} batches a step "
        "(gradient_accumulation_steps times "
        "processes), this run has {} and {}: it can't be continued",
        where, batch_size, accumulation, expected.batch_size, expected.accumulation_steps);
  const bool shuffle = state.at("shuffle").boolean();
  check(shuffle == expected.shuffle,
        "{}: the checkpoint was made with train_data_shuffle {}, this run has {}: it can't be continued",
        where, shuffle, expected.shuffle);
  check(state.at("data_checksum").integer() == int64_t{expected.data_checksum},
        "{}: the checkpoint was made with other training data, or cut into other sequences: it can't be "
        "continued",
        where);
}

// Fills a part of an optimizer's state from its tensor in a file.
void read_state(const SafetensorsFile& file, const std::string& name, const Tensor& target,
                bool is_nonnegative) {
  const auto size = target.shape().elements();
  const TensorEntry* entry = file.find(name);
  check(entry != nullptr && entry->elements() == size, "{}: no moments of {} elements under the name '{}'",
        file.path(), size, name);
  std::vector<float> values(static_cast<size_t>(size));
  copy_as_float(*entry, values);
  for (const float value : values) {
    check(std::isfinite(value) && (value >= 0 || !is_nonnegative),
          "{}: '{}' has the value {}, expected {}: the file is damaged", file.path(), name, value,
          is_nonnegative ? "numbers, none below 0" : "numbers");
  }
  target.copy_from_host(values);
}

// Calls visit(name, part, state) for the part of each state that belongs to a tensor: "<state>.<tensor>" in files.
template <typename Visit>
void for_each_state(const Optimizer& optimizer, const Parameters& parameters, Visit&& visit) {
  for (const NamedTensor& tensor : parameters.tensors()) {
    for (const Optimizer::State& state : optimizer.states()) {
      visit(fmt::format("{}.{}", state.name, tensor.name),
            state.values.view(tensor.segment.offset, tensor.shape), state);
    }
  }
}

}  // namespace

uint32_t checksum_of(const TrainState& run) {
  std::string text = fmt::format("{} {} {} {} {} {} {} {} {}", run.seed, run.examples, run.batch_size,
                                 run.batch_tokens, run.accumulation_steps, run.shuffle, run.streamed,
                                 run.data_checksum, run.evaluation_checksum);
  for (const auto& [name, value] : run.settings) text += fmt::format(" {}={}", name, value);
  return crc32c(text);
}

void save_train_state(const std::filesystem::path& folder, const TrainState& state,
                      const Optimizer* optimizer, const Parameters& parameters) {
  Json json{{"step", state.step},
            {"optimizer_steps", state.numbers.updates},
            {"seed", state.seed},
            {"examples", state.examples},
            {"batch_size", state.batch_size},
            {"batch_tokens", state.batch_tokens},
            {"accumulation_steps", state.accumulation_steps},
            {"shuffle", state.shuffle},
            {"streamed", state.streamed},
            {"data_checksum", state.data_checksum},
            {"evaluation_checksum", state.evaluation_checksum},
            {"settings", state.settings},
            {"recent_losses", state.recent_losses},
            {"best_scores", to_json(state.best_scores)},
            {"best_step", state.best_step},
            {"evaluations_since_best", state.evaluations_since_best},
            {"history", to_json(state.history)}};
  if (state.follows_scale) {
    json["loss_scale"] = {{"value", static_cast<double>(state.numbers.loss_scale)},
                          {"good_steps", state.numbers.good_steps},
                          {"skipped_in_a_row", state.numbers.skipped_in_a_row}};
  }
  replace_file(folder / state_file, json_text(json, 2) + "\n");

  if (optimizer == nullptr) return;
  std::vector<SavedTensor> states;
  for_each_state(*optimizer, parameters,
                 [&](const std::string& name, const Tensor& part, const Optimizer::State&) {
                   states.push_back({name, part.reshape({part.elements()})});
                 });
  save_tensors((folder / optimizer_file).string(), states);
}

bool has_train_state(const std::filesystem::path& folder) try {
  const Json json = read_json(folder / state_file);
  return json.contains("step") && json.contains("optimizer_steps");
} catch (const std::exception&) {
  return false;
}

int64_t trained_steps(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / state_file;
  if (!std::filesystem::exists(path)) return 0;
  const Json json = read_json(path);
  return Field(json, path.string()).at("step").integer(0);
}

std::optional<EvaluationPoint> saved_evaluation(const std::filesystem::path& folder, const TrainState& run) {
  const std::string path = (folder / state_file).string();
  const Json json = read_json(path);
  const Field state(json, path);
  check_same_run(state, path, run);
  if (run.evaluation_checksum != 0 && state.at("evaluation_checksum").integer() != run.evaluation_checksum)
    return std::nullopt;
  const TrainHistory history = parse_history(state.at("history"));
  const int64_t step = state.at("step").integer(0);
  if (history.evaluations.empty() || history.evaluations.back().step != step) return std::nullopt;
  return history.evaluations.back();
}

TrainState load_train_state(const std::filesystem::path& folder, const TrainState& expected,
                            Optimizer& optimizer, Parameters& parameters, std::FILE* log) {
  const std::string path = (folder / state_file).string();
  const Json json = read_json(path);
  const Field saved(json, path);
  check_same_run(saved, path, expected);
  for (const auto& [name, value] : saved.at("settings").members()) {
    const auto now = expected.settings.find(name);
    if (now == expected.settings.end() || value.text() == now->second) continue;
    print_log(log, "note: {} was {} when the checkpoint was made, now it is {}\n", name, value.text(),
              now->second);
  }

  if (const int64_t batch_size = saved.at("batch_size").integer(); batch_size != expected.batch_size)
    print_log(log,
              "note: train_batch_size was {} when the checkpoint was made, now it is {}: steps have the same "
              "examples, but other dropout masks\n",
              batch_size, expected.batch_size);

  TrainState state = expected;
  state.step = saved.at("step").integer(0);
  state.numbers = parse_numbers(saved, expected.numbers, expected.follows_scale);
  state.recent_losses = saved.at("recent_losses").numbers();
  state.best_step = saved.at("best_step").integer(-1);
  state.best_scores = parse_scores(saved.at("best_scores"));
  state.evaluations_since_best = saved.at("evaluations_since_best").integer(0);
  state.history = parse_history(saved.at("history"));
  check(state.best_step < 0 || !state.best_scores.empty(), "{}: a best step without scores", path);
  const int64_t scored_on = saved.at("evaluation_checksum").integer(0, std::numeric_limits<uint32_t>::max());
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
  for_each_state(optimizer, parameters,
                 [&](const std::string& name, const Tensor& part, const Optimizer::State& of) {
                   read_state(moments, name, part, of.is_nonnegative);
                 });
  return state;
}

}  // namespace gradus
