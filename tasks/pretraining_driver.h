// What run_pretrain and run_pretrain_eval do.
#pragma once

namespace gradus {

struct PretrainingProgram {
  const char *name, *purpose, *example;
  bool trains;  // unless an option says otherwise; or else it scores
};

// Returns the exit status. Throws Error.
int run_pretraining(const PretrainingProgram& program, int argc, const char* const* argv);

}  // namespace gradus
