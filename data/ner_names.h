// What the columns of words, tags and sentences are usually called, and what words and tags of tables and lists have to be.
#pragma once

#include <string>
#include <string_view>

namespace gradus {

bool is_word_name(std::string_view name);
bool is_tag_name(std::string_view name);
// Of the column that says which sentence a word is of: "Sentence #", "sentence_id".
bool is_sentence_name(std::string_view name);

// Whether a word is CoNLL-2003's mark between documents, which is none.
bool is_document_mark(std::string_view word);

// What is wrong with a tag that has white space in it or what looks like it, which no list of labels may have; else empty.
std::string tag_fault(std::string_view tag);

}  // namespace gradus
