// A tiny task for run_pretrain: who lives where, in texts of a few sentences, learned in seconds.
#pragma once

#include "tests/tasks/tiny_task.h"

namespace gradus {

// train.txt has the texts; train.mindrecord and train.tfrecord the same examples of them, two masks for each.
class TinyPretraining : public TinyTask {
 public:
  TinyPretraining();

  // Flags that train on records and score on them.
  Words training_on(const std::string& records, const Words& more = {}) const;
};

}  // namespace gradus
