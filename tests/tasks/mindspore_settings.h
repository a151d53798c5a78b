// The settings files of MindSpore's BERT, with all the keys that they have, for tests: of an encoder of 16 numbers and one layer.
#pragma once

#include <string>

namespace gradus {

// task_ner_config.yaml and its like. `task`: ner, classifier or squad; `keys`: those that this task has beside the others'.
std::string fine_tuning_settings(const std::string& task, const std::string& keys);

// pretrain_config.yaml. `keys`: the network, and where data and models are.
std::string pretraining_settings(const std::string& keys);

}  // namespace gradus
