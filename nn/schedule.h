// Learning rates over the steps of a run: a linear warm-up, then a decay whose shape is a row of a table.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gradus {

// A shape of decay by its name.
struct ScheduleRow {
  std::string_view name;             // as in --schedule
  std::vector<std::string> aliases;  // what other systems call it
  std::string_view about;            // for --help
  // The part of the rate that is left, 1 at the start, where `left` of the decay's steps is still to come: 1 down to 0.
  double (*factor)(double left, double power);
};

const std::vector<ScheduleRow>& schedule_table();
// Throws Error naming those there are.
const ScheduleRow& find_schedule(std::string_view name);

struct Schedule {
  enum class Warmup : uint8_t {
    // The warm-up reaches the full rate with step warmup_steps - 1, and the decay counts from its end. With a linear decay
    // this is the schedule of PyTorch recipes.
    before_decay,
    // The BERT code's (google-research/bert optimization.py): the rate of step 0 is 0 when there is a warm-up, and
    // the decay counts from step 0.
    within_decay,
  };
  Warmup warmup = Warmup::before_decay;
  std::string shape = "polynomial";  // a row of the table
  double learning_rate = 0;
  double end_learning_rate = 0;  // what the decay leads to
  double power = 1;              // of the polynomial
  int64_t warmup_steps = 0;
  int64_t total_steps = 1;

  // The rate of optimizer step `step`, counted from 0.
  float at(int64_t step) const;
};

}  // namespace gradus
