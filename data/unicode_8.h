// Three categories as Unicode 8.0 has them: the character tables inside the Rust tokenizer that the `hf`
// rules match are that old, so it treats everything assigned later as an ordinary letter. Source: UnicodeData
// 8.0.
#pragma once

namespace gradus::unicode_8 {

bool is_punctuation(char32_t code);      // any P*, beyond ASCII
bool is_nonspacing_mark(char32_t code);  // Mn
bool is_format(char32_t code);           // Cf

}  // namespace gradus::unicode_8
