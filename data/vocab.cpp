#include "data/vocab.h"

#include <algorithm>
#include <utility>

#include "core/error.h"
#include "data/text_file.h"

namespace gradus {

Vocab Vocab::load(const std::string& path) {
  LineReader reader(path);
  std::vector<std::string> tokens;
  for (std::string_view line; reader.next(line);) tokens.emplace_back(line);
  return Vocab(std::move(tokens), path);
}

Vocab::Vocab(std::vector<std::string> tokens, const std::string& name) : tokens_(std::move(tokens)) {
  check(!tokens_.empty(), "{}: the vocabulary is empty: expected one token a line", name);
  ids_.reserve(tokens_.size());
  for (int32_t id = 0; id < size(); ++id) ids_[tokens_[id]] = id;
  const auto special = [&](std::string_view token) {
    const int32_t id = find(token);
    check(id >= 0, "{}: the token {} is missing: a BERT vocabulary has [PAD] [UNK] [CLS] [SEP] [MASK]", name,
          token);
    return id;
  };
  pad_ = special("[PAD]");
  unk_ = special("[UNK]");
  cls_ = special("[CLS]");
  sep_ = special("[SEP]");
  mask_ = special("[MASK]");
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
