// The names of labels as config.json has them, and which row of a stored head each is.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace gradus {

class Json;

struct StoredLabels {
  std::vector<std::string> names;  // by id; empty: none, or none to rely on
  std::string problem;             // why none can be relied on: "'id2label' has 2 labels but none for 1"
};

// The labels of 'id2label', an object or a list, or else of 'label2id'; null stands for what is not there. Numbers stand
// for their digits. Names of transformers' making, LABEL_0, give way to others. Never throws: a stored head need not be
// used.
StoredLabels read_stored_labels(const Json& id2label, const Json& label2id);

// Whether these are the names that transformers gives to labels without any: LABEL_0, LABEL_1 ...
bool are_default_labels(const std::vector<std::string>& names);

// Which of `stored` each of `wanted` is. First equal names count, then those that are equal but for upper and lower case
// of a to z and for "-", "_" and blanks, if each has one counterpart: `loosely` says so. Empty when there is no such
// pairing.
struct LabelRows {
  std::vector<int64_t> rows;  // rows[i]: the id in `stored` of wanted[i]
  bool loosely = false;
};
LabelRows match_labels(const std::vector<std::string>& stored, const std::vector<std::string>& wanted);

}  // namespace gradus
