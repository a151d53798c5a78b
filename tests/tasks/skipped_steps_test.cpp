// What a log says of steps that were skipped.
#include <doctest/doctest.h>

#include "tasks/training/loss_scale.h"

using namespace gradus;

TEST_CASE("the first skipped steps are told one by one, later ones now and then") {
  StepNumbers found;
  found.loss_scale = 2147483648.0F;
  const auto text = [&](int64_t skipped, int32_t updates) {
    found.updates = updates;
    return skipped_text(skipped + updates, 4294967296.0F, found);
  };
  CHECK(text(1, 5) ==
        "step 6: skipped, its gradients are not finite with a loss scale of 4294967296: the next one has "
        "2147483648");
  for (int64_t skipped = 1; skipped <= 1000; ++skipped) {
    CAPTURE(skipped);
    const std::string told = text(skipped, 7);
    CHECK(told.empty() == (skipped > 10 && skipped % 100 != 0));
    CHECK(told.ends_with("so far; every 100th is told)") == (skipped >= 10 && !told.empty()));
  }
}

TEST_CASE("why a run ends at a skipped step is told where its loss scale follows the gradients") {
  StepNumbers found;
  found.skipped_in_a_row = 1;
  CHECK(halted_text(found, {}).empty());
  CHECK(halted_text(found, {.window = 1}) == "; the loss scale is 1 and can't be lowered");
  CHECK(halted_text(found, {.window = 1, .most_skipped = 1}) ==
        "; the loss scale is 1, and 1 step in a row was skipped, as many as --max_skipped_steps");
}
