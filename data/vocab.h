// A WordPiece vocabulary: one token a line, the id is the line number from 0.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace gradus {

// One token a line; empty lines at the end, which stand for no token, are left out.
struct VocabLines {
  std::vector<std::string> tokens;
  int64_t empty_at_end = 0;
};
// Reads a file, plain or gzip; lines end at LF or CR LF only. Throws Error when it can't be read, isn't UTF-8,
// or has a CR elsewhere.
VocabLines read_vocab_lines(const std::string& path);

// What a vocabulary calls the tokens that every model needs.
struct SpecialTokens {
  std::string pad = "[PAD]", unk = "[UNK]", cls = "[CLS]", sep = "[SEP]", mask = "[MASK]";

  friend bool operator==(const SpecialTokens&, const SpecialTokens&) = default;
};

class Vocab {
 public:
  // read_vocab_lines(). Throws Error also when there is none, and when one of [PAD] [UNK] [CLS] [SEP] [MASK] is
  // missing.
  static Vocab load(const std::string& path);
  // `name` stands for the file in messages. Of equal tokens the last one's id counts, as in the published
  // readers. The last `added` of the tokens are whole words, not pieces of such.
  explicit Vocab(std::vector<std::string> tokens, const std::string& name = "vocabulary",
                 const SpecialTokens& special = {}, size_t added = 0);

  // The index points into tokens_, whose elements stay put when a Vocab is moved, but not when it is copied.
  Vocab(Vocab&&) = default;
  Vocab& operator=(Vocab&&) = default;

  int32_t size() const { return static_cast<int32_t>(tokens_.size()); }
  // How many tokens, the first ones, words are cut into.
  int32_t word_pieces() const { return word_pieces_; }
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
  int32_t word_pieces_;
  std::unordered_map<std::string_view, int32_t> ids_;
  int32_t pad_, unk_, cls_, sep_, mask_;
};

}  // namespace gradus
