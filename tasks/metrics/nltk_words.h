// English words as NLTK's word_tokenize cuts them: those of the Penn Treebank (sed script by MacIntyre, 1995), with
// more quotation marks.
#pragma once

#include <string>
#include <vector>

namespace gradus {

// The words and punctuation marks of one sentence in lower case, as NLTK 3.10 parts them, with the letters of
// Python's re. Straight double quotation marks become `` and ''. Left out are the rules for - : * and `, which must
// not be in the sentence, and those for 'tis and 'twas, which come to nothing unless "gonna" or the like stands right
// before.
std::vector<std::u32string> nltk_words(const std::u32string& sentence);

}  // namespace gradus
