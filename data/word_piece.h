// The second half of BERT tokenizing: words to WordPiece ids, with the place of each piece in the text.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/basic_tokenizer.h"
#include "data/vocab.h"

namespace gradus {

// A trie over code points: each slot of one open-addressing hash table is an edge.
class PieceTrie {
 public:
  explicit PieceTrie(const Vocab& vocab);

  struct Edge {
    uint64_t key = 0;  // node and code point; 0 in a free slot
    uint32_t node = 0;
    int32_t id = -1;  // of the piece that ends here
  };
  // The edge from `node` for `code`, or nullptr.
  const Edge* find(uint32_t node, char32_t code) const;
  uint32_t word_root() const { return 1; }
  uint32_t continuation_root() const { return continuation_root_; }  // behind "##"

 private:
  static uint64_t key(uint32_t node, char32_t code) { return uint64_t{node} << 21U | code; }
  // A multiplicative hash (Knuth, The Art of Computer Programming 6.4).
  size_t slot(uint64_t key) const { return (key * 0x9E3779B97F4A7C15U) >> shift_; }
  Edge& insert(uint32_t node, char32_t code);
  void grow();

  std::vector<Edge> edges_;
  int shift_;
  uint32_t nodes_ = 1;  // node 0 doesn't exist, so that no key is 0
  size_t used_ = 0;
  uint32_t continuation_root_ = 0;
};

// A WordPiece, and the bytes [begin, end) of the text it stands for.
struct Piece {
  int32_t id;
  uint32_t begin, end;

  friend bool operator==(const Piece&, const Piece&) = default;
};

// The pieces of several words; those of word i are pieces[first[i]] up to pieces[first[i + 1]].
struct WordPieces {
  std::vector<Piece> pieces;    // offsets are within the word
  std::vector<uint32_t> first;  // words + 1
  int64_t empty_words = 0;      // words that tokenize to nothing: each got one [UNK]
};

// What the rules look for in text: `added`, of which the hf rules have the five special tokens always, others never.
std::vector<AddedToken> tokens_in_text(const Vocab& vocab, TokenizerRules rules,
                                       const std::vector<AddedToken>& added);

// Safe to use from several threads. The vocabulary must outlive the tokenizer.
class Tokenizer {
 public:
  explicit Tokenizer(const Vocab& vocab, TokenizerRules rules = TokenizerRules::hf,
                     bool do_lower_case = true);
  // `added`: see tokens_in_text().
  Tokenizer(const Vocab& vocab, const TextRules& rules, const std::vector<AddedToken>& added);

  // The pieces of a text, without [CLS] and [SEP]. Throws Error on invalid UTF-8.
  std::vector<Piece> tokenize(std::string_view text) const;

  // Tokenizes each word by itself, so that every word has at least one piece. Throws Error on invalid UTF-8.
  WordPieces tokenize_words(std::span<const std::string> words) const;

  const Vocab& vocab() const { return vocab_; }

 private:
  void add_pieces(const BasicWords& words, std::vector<Piece>& pieces) const;
  void add_word(std::span<const Character> word, std::vector<Piece>& pieces) const;

  const Vocab& vocab_;
  TokenizerRules rules_;
  BasicTokenizer basic_;
  PieceTrie trie_;
};

}  // namespace gradus
