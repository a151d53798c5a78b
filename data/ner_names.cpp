#include "data/ner_names.h"

#include <fmt/core.h>

#include "data/columns.h"
#include "data/unicode.h"

namespace gradus {

bool is_word_name(std::string_view name) {
  return is_column_name(name, {"word", "words", "token", "tokens", "form", "text"});
}

bool is_tag_name(std::string_view name) {
  return is_column_name(name, {"tag", "tags", "label", "labels", "ner", "ner_tag", "ner_tags", "entity"});
}

bool is_sentence_name(std::string_view name) {
  return is_column_name(name, {"sentence #", "sentence#", "sentence", "sentence_id", "sentence id", "sent_id",
                               "sentence_idx", "sentence_number", "sentence_no"});
}

bool is_document_mark(std::string_view word) { return word == "-DOCSTART-"; }

std::string tag_fault(std::string_view tag) {
  constexpr size_t most_shown = 80;
  const std::string odd = find_odd_blank(tag);
  if (!odd.empty())
    return fmt::format("found the tag '{}': expected none with the character {}", shown(tag, most_shown),
                       odd);
  if (tag.find_first_of(" \t\n\r") != std::string_view::npos)
    return fmt::format("found the tag '{}': expected one without white space", shown(tag, most_shown));
  return {};
}

}  // namespace gradus
