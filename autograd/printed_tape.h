// What was recorded, to read: as a value, as text, as a picture.
#pragma once

#include <string>
#include <vector>

#include "autograd/variable.h"

namespace gradus {

// What the backward pass of a result would run through. It holds nothing of the graph but its parameters, so it can be read
// after backward(), too, and then knows the parameters' gradients.
struct Tape {
  // What an op read and can pass a gradient to.
  struct Input {
    size_t step = 0;                  // of the tape that made it; for a parameter nothing
    std::shared_ptr<Node> parameter;  // null for the result of a step
  };
  // An op that was recorded, and its result.
  struct Step {
    std::string_view op;  // "input" for a value that a part of a computation begins with
    Shape shape;          // of the result, and of its gradient
    DType dtype = DType::float32;
    std::vector<Input> inputs;  // without constants, which no gradient goes to
    size_t kept = 0;  // bytes of memory that it keeps for its backward, and that no step before it keeps
  };
  std::vector<Step> steps;  // in the order in which they were computed

  size_t kept() const;  // bytes that all of them keep, parameters not counted
  std::vector<std::shared_ptr<Node>> parameters() const;  // each once, in the order of their use
};

// The tape of y. It copies each backward function for a moment, to see which tensors it holds; recording knows nothing of this.
// Throws Error when y depends on no parameter, or its graph was used by backward().
Tape read_tape(const Variable& y);

// A line a step: its number, the op, the shape of the result, what it keeps, the steps it read. Below it a line for each parameter that
// it read: its name, its shape, and the norm of its gradient where backward() has been there. In 100 columns, where names let it.
std::string print_tape(const Tape& tape);
std::string print_tape(const Variable& y);

// The same as an SVG file: a box a step, from top to bottom, arrows from those it read, parameters beside it, what it keeps as a bar.
std::string draw_tape(const Tape& tape);

// "12 B", "13.5 KiB".
std::string byte_text(size_t bytes);

}  // namespace gradus
