// Where the labels of training data come from: a list beside records, or the model that is trained further.
#pragma once

#include <string>
#include <vector>

namespace gradus {

// Where the generators write the labels of records that lie in a file or a folder: label_list.txt beside them.
std::string label_list_of(const std::string& records);

// Throws the Error of a label, at `where` in the data, that the `model` which is trained further does not have.
[[noreturn]] void refuse_label(const std::string& where, const std::string& label, const char* model,
                               const std::vector<std::string>& labels);

}  // namespace gradus
