#include "tasks/model/label_sources.h"

#include <filesystem>

#include "core/error.h"
#include "core/joined.h"

namespace gradus {

std::string label_list_of(const std::string& records) {
  const std::filesystem::path path = records;
  return ((std::filesystem::is_directory(path) ? path : path.parent_path()) / "label_list.txt").string();
}

void refuse_label(const std::string& where, const std::string& label, const char* model,
                  const std::vector<std::string>& labels) {
  fail(
      "{}: unknown label '{}': a {} that is trained further keeps its labels, {}; "
      "--load_pretrain_checkpoint_path begins with a new head",
      where, label, model, joined(labels, ", "));
}

}  // namespace gradus
