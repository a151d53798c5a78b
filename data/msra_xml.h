// The MSRA named-entity corpus in its XML form: sentences of phrases, an entity being an element with a TYPE inside
// one.
//   <sentence><w><NAMEX TYPE="PERSON">...</NAMEX></w><w>...</w></sentence>
#pragma once

#include <set>
#include <string>

#include "data/ner_text.h"

namespace gradus {

// Reads a file, plain or gzip; each character becomes a word. The characters of an entity have the tags B_TYPE,
// M_TYPE ... E_TYPE, or S_TYPE when there is one; all others O. With a `class_filter`, only elements of these names
// (NAMEX, TIMEX, NUMEX) are entities. The line of a word is that of its sentence's begin. Throws Error "path:line:
// ..." on XML that is damaged or not UTF-8, on an entity without a TYPE or with elements inside, and when there is no
// sentence.
NerData read_msra_xml(const std::string& path, const std::set<std::string>& class_filter = {});

}  // namespace gradus
