// A tiny task for run_ner: twelve sentences, and a vocabulary for them.
#pragma once

#include "tests/tasks/tiny_task.h"

namespace gradus {

// The sentences as CoNLL columns, one word a line; every third line or so holds a name.
extern const std::string ner_sentences;

class TinyNer : public TinyTask {
 public:
  TinyNer();
};

}  // namespace gradus
