#include "nn/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/error.h"
#include "core/joined.h"

namespace gradus {

const std::vector<ScheduleRow>& schedule_table() {
  static const std::vector<ScheduleRow> table{
      {"polynomial", {}, "down by --power", [](double left, double power) { return std::pow(left, power); }},
      {"linear", {}, "straight down", [](double left, double) { return left; }},
      {"cosine",
       {},
       "down along half a wave (Loshchilov & Hutter 2017)",
       [](double left, double) { return (1 - std::cos(std::numbers::pi * left)) / 2; }},
      {"constant", {"constant_with_warmup"}, "no decay", [](double, double) { return 1.0; }},
  };
  return table;
}

const ScheduleRow& find_schedule(std::string_view name) {
  std::vector<std::string_view> names;
  for (const ScheduleRow& row : schedule_table()) {
    if (row.name == name) return row;
    names.push_back(row.name);
  }
  fail("[schedule] none is named '{}': expected one of {}", name, joined(names, ", "));
}

float Schedule::at(int64_t step) const {
  const auto s = static_cast<double>(step);
  const auto warmup_length = static_cast<double>(warmup_steps);
  const auto total = static_cast<double>(total_steps);
  const bool within = warmup == Warmup::within_decay;
  if (step < warmup_steps) return static_cast<float>(learning_rate * ((within ? s : s + 1) / warmup_length));
  const double left =
      within ? 1 - std::min(s, total) / total : (total - s) / std::max(total - warmup_length, 1.0);
  return static_cast<float>((learning_rate - end_learning_rate) *
                                find_schedule(shape).factor(std::max(left, 0.0), power) +
                            end_learning_rate);
}

}  // namespace gradus
