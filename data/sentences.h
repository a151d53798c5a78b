// Cutting running text into sentences.
#pragma once

#include <string_view>
#include <vector>

namespace gradus {

// The sentences of a paragraph, without the blanks around them; none is empty. One ends behind an ideographic full
// stop, exclamation or question mark, or behind a Latin one that is followed by a blank and by anything but a small
// letter; closing quotation marks and brackets belong to the sentence they end. A full stop behind a single letter, a
// word with stops inside or a title ("Dr.") ends none: rather two sentences in one than half a sentence. The text
// must be valid UTF-8.
std::vector<std::string_view> split_sentences(std::string_view paragraph);

}  // namespace gradus
