#include "data/word_piece.h"

#include <bit>
#include <limits>
#include <utility>

#include "core/error.h"
#include "data/unicode.h"

namespace gradus {
namespace {

constexpr size_t longest_piece = 4096;  // bytes; no vocabulary has any near to it

}  // namespace

PieceTrie::PieceTrie(const Vocab& vocab) : edges_(1024), shift_(64 - 10) {
  const auto add = [this](std::string_view token, int32_t id) {
    uint32_t node = word_root();
    // A damaged line, which is no piece, would take 48 bytes for each of its characters.
    if (token.size() > longest_piece) return node;
    Edge* edge = nullptr;
    for (size_t pos = 0; pos < token.size(); node = edge->node) {
      const char32_t code = decode_utf8(token, pos);
      check(code != invalid_code, "[tokenizer] vocabulary token {} isn't valid UTF-8", id);
      edge = &insert(node, code);
    }
    if (edge != nullptr) edge->id = id;  // an empty token matches nothing
    return node;
  };
  continuation_root_ = add("##", -1);
  for (int32_t id = 0; id < vocab.word_pieces(); ++id) add(vocab.token(id), id);
}

const PieceTrie::Edge* PieceTrie::find(uint32_t node, char32_t code) const {
  const uint64_t wanted = key(node, code);
  for (size_t i = slot(wanted);; i = (i + 1) & (edges_.size() - 1)) {
    if (edges_[i].key == wanted) return &edges_[i];
    if (edges_[i].key == 0) return nullptr;
  }
}

PieceTrie::Edge& PieceTrie::insert(uint32_t node, char32_t code) {
  if (2 * used_ >= edges_.size()) grow();
  const uint64_t wanted = key(node, code);
  size_t i = slot(wanted);
  while (edges_[i].key != 0 && edges_[i].key != wanted) i = (i + 1) & (edges_.size() - 1);
  if (edges_[i].key == 0) {
    edges_[i] = {wanted, ++nodes_, -1};
    ++used_;
  }
  return edges_[i];
}

void PieceTrie::grow() {
  std::vector<Edge> old(2 * edges_.size());
  old.swap(edges_);
  --shift_;
  for (const Edge& edge : old) {
    if (edge.key == 0) continue;
    size_t i = slot(edge.key);
    while (edges_[i].key != 0) i = (i + 1) & (edges_.size() - 1);
    edges_[i] = edge;
  }
}

std::vector<AddedToken> tokens_in_text(const Vocab& vocab, TokenizerRules rules,
                                       const std::vector<AddedToken>& added) {
  std::vector<AddedToken> tokens;
  std::vector<int32_t> specials{vocab.pad_id(), vocab.unk_id(), vocab.cls_id(), vocab.sep_id(),
                                vocab.mask_id()};
  for (const AddedToken& token : added) {
    const bool is_special = std::erase(specials, token.id) > 0;
    if (!is_special || rules == TokenizerRules::hf) tokens.push_back(token);
  }
  if (rules != TokenizerRules::hf) return tokens;
  for (const int32_t id : specials) tokens.push_back({vocab.token(id), id, true});
  return tokens;
}

Tokenizer::Tokenizer(const Vocab& vocab, TokenizerRules rules, bool do_lower_case)
    : Tokenizer(vocab, TextRules{rules, do_lower_case}, {}) {}

Tokenizer::Tokenizer(const Vocab& vocab, const TextRules& rules, const std::vector<AddedToken>& added)
    : vocab_(vocab),
      rules_(rules.rules),
      basic_(rules, tokens_in_text(vocab, rules.rules, added)),
      trie_(vocab) {}

std::vector<Piece> Tokenizer::tokenize(std::string_view text) const {
  BasicWords words;
  basic_.split(text, words);
  std::vector<Piece> pieces;
  pieces.reserve(words.words.size() + words.words.size() / 4);
  add_pieces(words, pieces);
  return pieces;
}

WordPieces Tokenizer::tokenize_words(std::span<const std::string> words) const {
  WordPieces result;
  result.first.reserve(words.size() + 1);
  result.first.push_back(0);
  BasicWords parts;
  for (const std::string& word : words) {
    basic_.split(word, parts);
    if (parts.words.empty()) {
      result.pieces.push_back({vocab_.unk_id(), 0, static_cast<uint32_t>(word.size())});
      ++result.empty_words;
    }
    add_pieces(parts, result.pieces);
    result.first.push_back(static_cast<uint32_t>(result.pieces.size()));
  }
  return result;
}

void Tokenizer::add_pieces(const BasicWords& words, std::vector<Piece>& pieces) const {
  for (const BasicWords::Word& word : words.words) {
    const std::span characters(words.characters.data() + word.begin, word.end - word.begin);
    if (word.added_id >= 0) {
      pieces.push_back({word.added_id, characters.front().begin, characters.back().end});
    } else {
      add_word(characters, pieces);
    }
  }
}

// Greedy longest match from the left (Devlin et al. 2018): one walk through the trie per piece.
void Tokenizer::add_word(std::span<const Character> word, std::vector<Piece>& pieces) const {
  const size_t size_before = pieces.size();
  const auto add_unknown = [&](size_t from) {
    pieces.push_back({vocab_.unk_id(), word[from].begin, word.back().end});
  };
  constexpr size_t unlimited = std::numeric_limits<size_t>::max();
  const size_t longest = rules_ == TokenizerRules::hf       ? 100
                         : rules_ == TokenizerRules::google ? 200
                                                            : unlimited;
  if (word.size() > longest) return add_unknown(0);

  for (size_t begin = 0; begin < word.size();) {
    uint32_t node = begin == 0 ? trie_.word_root() : trie_.continuation_root();
    size_t end = begin;
    int32_t id = -1;
    for (size_t i = begin; i < word.size(); ++i) {
      const PieceTrie::Edge* edge = trie_.find(node, word[i].code);
      if (edge == nullptr) break;
      node = edge->node;
      if (edge->id >= 0) {
        id = edge->id;
        end = i + 1;
      }
    }
    if (id < 0) {
      // A part that matches nothing makes the whole word unknown; mindspore keeps the pieces before it.
      if (rules_ != TokenizerRules::mindspore) {
        pieces.resize(size_before);
        begin = 0;
      }
      return add_unknown(begin);
    }
    pieces.push_back({id, word[begin].begin, word[end - 1].end});
    begin = end;
  }
}

}  // namespace gradus
