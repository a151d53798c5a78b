#include "data/vocab.h"

#include <algorithm>
#include <utility>

#include "core/error.h"
#include "core/io/files.h"
#include "data/text_file.h"

namespace gradus {
namespace {

constexpr size_t most_tokens = 10'000'000;

}  // namespace

VocabLines read_vocab_lines(const std::string& path) {
  check_regular_file(path);
  LineReader reader(path, LineEnds::lf);  // a token may be any character
  VocabLines lines;
  for (std::string_view line; reader.next(line);) {
    check(lines.tokens.size() < most_tokens, "{}: more than {} tokens", path, most_tokens);
    lines.tokens.emplace_back(line);
  }
  while (!lines.tokens.empty() && trimmed(lines.tokens.back()).empty()) {
    lines.tokens.pop_back();
    ++lines.empty_at_end;
  }
  return lines;
}

Vocab Vocab::load(const std::string& path) { return Vocab(read_vocab_lines(path).tokens, path); }

Vocab::Vocab(std::vector<std::string> tokens, const std::string& name, const SpecialTokens& special,
             size_t added)
    : tokens_(std::move(tokens)), word_pieces_(static_cast<int32_t>(tokens_.size() - added)) {
  check(!tokens_.empty(), "{}: the vocabulary is empty: expected one token a line", name);
  ids_.reserve(tokens_.size());
  for (int32_t id = 0; id < size(); ++id) ids_[tokens_[id]] = id;
  const auto id_of = [&](const std::string& token) {
    const int32_t id = find(token);
    check(id >= 0, "{}: the token {} is missing: a BERT vocabulary has {} {} {} {} {}", name, token,
          special.pad, special.unk, special.cls, special.sep, special.mask);
    return id;
  };
  pad_ = id_of(special.pad);
  unk_ = id_of(special.unk);
  cls_ = id_of(special.cls);
  sep_ = id_of(special.sep);
  mask_ = id_of(special.mask);
}

const std::string& Vocab::token(int32_t id) const {
  check(id >= 0 && id < size(), "[vocab] token id {} is outside [0, {})", id, size());
  return tokens_[id];
}

int32_t Vocab::find(std::string_view token) const {
  const auto entry = ids_.find(token);
  return entry == ids_.end() ? -1 : entry->second;
}

bool Vocab::has_capitals() const {
  return std::any_of(tokens_.begin(), tokens_.end(), [](const std::string& token) {
    if (token.starts_with('[') || token.starts_with('<')) return false;
    return std::any_of(token.begin(), token.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
  });
}

}  // namespace gradus
