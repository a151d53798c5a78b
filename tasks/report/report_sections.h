// The sections of a report's page, each empty where the report has nothing for it.
#pragma once

#include <string>
#include <string_view>

#include "tasks/report/report.h"

namespace gradus {

// A heading, a sentence for readers who are new to it (none when it is empty), and the rest, which is HTML.
// Nothing at all when there is no rest.
std::string section_html(std::string_view heading, std::string_view explanation, const std::string& inside);

// Training loss, evaluation scores and learning rate over the steps.
std::string curves_html(const Report& report);

// A table of shaded cells, which tell their share of the row under the mouse, with the counts in them while
// there are few classes; beyond that a list of the most frequent confusions, alone where the classes are too
// many for a table. Throws Error unless there is a label for each class.
std::string confusion_html(const Report& report);

// The worst errors, with what is marked in their texts.
std::string errors_html(const Report& report);

}  // namespace gradus
