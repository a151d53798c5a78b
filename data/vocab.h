// A WordPiece vocabulary: one token a line, the id is the line number from 0.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace gradus {

class Vocab {
 public:
  // Reads a file, plain or gzip; lines end at LF only. Throws Error when it can't be read, is empty, isn't
  // UTF-8, or lacks one of [PAD] [UNK] [CLS] [SEP] [MASK].
  static Vocab load(const std::string& path);
  // `name` stands for the file in messages. Of equal tokens the last one's id counts, as in the published
  // readers.
  explicit Vocab(std::vector<std::string> tokens, const std::string& name = "vocabulary");

  // The index points into tokens_, whose elements stay put when a Vocab is moved, but not when it is copied.
  Vocab(Vocab&&) = default;
  Vocab& operator=(Vocab&&) = default;

  int32_t size() const { return static_cast<int32_t>(tokens_.size()); }
  // Throws Error when `id` is outside [0, size()).
  const std::string& token(int32_t id) const;
  // The id of a token, or -1.
  int32_t find(std::string_view token) const;
  // Whether it was made of text with its capital letters. Special tokens, [CLS] and the <S> of the Chinese
  // vocabulary, do not count.
  bool has_capitals() const;

  int32_t pad_id() const { return pad_; }
  int32_t unk_id() const { return unk_; }
  int32_t cls_id() const { return cls_; }
  int32_t sep_id() const { return sep_; }
  int32_t mask_id() const { return mask_; }

 private:
  std::vector<std::string> tokens_;
  std::unordered_map<std::string_view, int32_t> ids_;
  int32_t pad_, unk_, cls_, sep_, mask_;
};

}  // namespace gradus
