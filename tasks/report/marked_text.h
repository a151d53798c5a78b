// Texts with what is marked in them, by the labels in the data and by a prediction, as a report shows them.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "tasks/report/report.h"

namespace gradus {

// The bytes [begin, end) of a text, and what they stand for.
struct TextSpan {
  size_t begin = 0;
  size_t end = 0;
  std::string label;  // "PER"
};

// The text in parts. Spans that overlap are one part; a label says what it means where that is not the whole
// part: "PER “Anna”". Spans without a byte are left out. Throws Error when a span is not in the text.
std::vector<ReportSegment> mark_text(const std::string& text, const std::vector<TextSpan>& gold,
                                     const std::vector<TextSpan>& predicted);

// The same with "…" for what lies further than about `characters` from everything that is marked; of a text
// without a mark its beginning. Throws Error on invalid UTF-8.
std::vector<ReportSegment> shorten(std::vector<ReportSegment> segments, size_t characters);

}  // namespace gradus
