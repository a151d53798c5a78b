// How a report looks.
#pragma once

#include <string_view>

namespace gradus {

// The style sheet of report.h's pages: light or dark as the reader's system is, on screens of any width and
// on paper.
extern const std::string_view report_style;

}  // namespace gradus
