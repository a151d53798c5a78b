// Which columns of a table, or names of a JSON object, have a text, the second text of a pair and the label.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data/classification_text.h"
#include "data/columns.h"
#include "data/table_rows.h"

namespace gradus {

struct ClassificationRoles {
  std::vector<std::string> names;  // of all columns: the header's, or what they are taken for
  bool has_header = false;         // the file gives the names: in a first line, or in JSON objects
  size_t text = 0;
  std::optional<size_t> pair, label;
  std::vector<size_t> labels = {};  // the columns of several labels, in place of one

  ClassificationColumnNames column_names() const;
  // "texts from column 2 (question), second texts from ..., labels from ...; not used: index".
  std::string description(ClassLabelUse use) const;
};

// What the names of a JSON object are for a form, a published data set's or of one's own. Throws Error "<where>: ..." when a
// text or a label that is needed has no name, and when several could be meant.
ClassificationRoles roles_of_object(std::vector<std::string> names, const ClassificationForm& form,
                                    ClassLabelUse use, const ClassificationColumns& columns,
                                    const std::string& where);

// The same of a table, from its first rows. Without a header columns that count the lines are no texts. Throws Error
// "path:line: ...".
ClassificationRoles roles_of_table(std::span<const TableRow> rows, const ClassificationForm& form,
                                   ClassLabelUse use, const ClassificationColumns& columns,
                                   const std::string& path);

}  // namespace gradus
