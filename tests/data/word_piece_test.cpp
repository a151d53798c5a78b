#include "data/word_piece.h"

#include <doctest/doctest.h>
#include <zlib.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "core/error.h"
#include "data/text_file.h"
#include "data/unicode.h"
#include "data/vocab.h"
#include "tests/data/files.h"
#include "tests/files.h"
#include "tests/json.h"

using namespace gradus;
using gradus::test::TempFile;

namespace {

Vocab small_vocab() {
  return Vocab({"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "un", "##aff", "##able", "cafe", "中", "国",
                "!",     "[",     "]",     "##a",   "a",      "x",  "σ",     "##σ",    "##ς",  "ab"});
}

std::vector<std::string> tokens(const Tokenizer& tokenizer, std::string_view text) {
  std::vector<std::string> result;
  for (const Piece& piece : tokenizer.tokenize(text)) result.push_back(tokenizer.vocab().token(piece.id));
  return result;
}
using Tokens = std::vector<std::string>;

std::vector<int32_t> ids(const std::vector<Piece>& pieces) {
  std::vector<int32_t> result;
  result.reserve(pieces.size());
  for (const Piece& piece : pieces) result.push_back(piece.id);
  return result;
}

uint32_t checksum(uint32_t crc, const std::vector<Piece>& pieces) {
  for (const Piece& piece : pieces) {
    crc = static_cast<uint32_t>(crc32(crc, reinterpret_cast<const Bytef*>(&piece.id), sizeof(piece.id)));
  }
  return crc;
}

std::optional<std::string> golden_file(const std::string& name) {
  auto path = test::find_file("GRADUS_SOURCE", "tests/golden/" + name);
  if (!path) MESSAGE("skipped: no " << name << " under GRADUS_SOURCE");
  return path;
}

}  // namespace

TEST_CASE("a vocabulary gives ids by line, the last of equal tokens counting") {
  const TempFile file("[PAD]\r\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\u2028\n\n##b\na\na");
  const Vocab vocab = Vocab::load(file.path());
  CHECK(vocab.size() == 10);
  CHECK(vocab.find("[PAD]") == 0);
  CHECK(vocab.find("a\u2028") == 5);
  CHECK(vocab.find("##b") == 7);
  CHECK(vocab.find("a") == 9);
  CHECK(vocab.find("b") == -1);
  CHECK(vocab.token(8) == "a");
  CHECK(vocab.mask_id() == 4);
  CHECK_THROWS_WITH_AS((void)vocab.token(10), "[vocab] token id 10 is outside [0, 10)", Error);
  CHECK_THROWS_AS((void)vocab.token(-1), Error);
}

TEST_CASE("a vocabulary without its special tokens is refused") {
  const TempFile no_mask("[PAD]\n[UNK]\n[CLS]\n[SEP]\na\n");
  CHECK_THROWS_WITH_AS(
      Vocab::load(no_mask.path()),
      no_mask.error(": the token [MASK] is missing: a BERT vocabulary has [PAD] [UNK] [CLS] [SEP] [MASK]")
          .c_str(),
      Error);
  const TempFile empty("");
  CHECK_THROWS_WITH_AS(Vocab::load(empty.path()),
                       empty.error(": the vocabulary is empty: expected one token a line").c_str(), Error);
  const TempFile invalid("[PAD]\n\xFF\n");
  CHECK_THROWS_AS(Vocab::load(invalid.path()), Error);
}

TEST_CASE("words become the longest pieces, with their places in the text") {
  const Vocab vocab = small_vocab();
  const Tokenizer tokenizer(vocab);
  CHECK(tokens(tokenizer, "unaffable") == Tokens{"un", "##aff", "##able"});
  CHECK(tokens(tokenizer, "unaffx!") == Tokens{"[UNK]", "!"});
  CHECK(tokenizer.tokenize(" CAFÉ\u0301!中国") ==
        std::vector<Piece>{{8, 1, 6}, {11, 8, 9}, {9, 9, 12}, {10, 12, 15}});
  CHECK(tokenizer.tokenize("a\u200bb") == std::vector<Piece>{{20, 0, 5}});
  CHECK(tokens(tokenizer, "x[MASK]a[mask]") == Tokens{"x", "[MASK]", "a", "[", "[UNK]", "]"});
  CHECK(tokens(tokenizer, "").empty());
  CHECK(tokens(tokenizer, "\u0301 \u200b\n").empty());
  CHECK_THROWS_WITH_AS((void)tokenizer.tokenize("ab\xFF"), "[tokenizer] invalid UTF-8 at byte 2", Error);
}

TEST_CASE("the rule sets differ where their programs do") {
  const Vocab vocab = small_vocab();
  const Tokenizer hf(vocab), google(vocab, TokenizerRules::google),
      mindspore(vocab, TokenizerRules::mindspore);
  CHECK(tokens(hf, "ΣΣ") == Tokens{"σ", "##σ"});
  CHECK(tokens(google, "ΣΣ") == Tokens{"σ", "##ς"});
  CHECK(tokens(google, "ΣΣ\u0301 ΣΣ! ΣΣa Σ") == Tokens{"σ", "##ς", "σ", "##ς", "!", "σ", "##σ", "##a", "σ"});
  CHECK(tokens(google, "[CLS]") == Tokens{"[", "[UNK]", "]"});
  CHECK(tokens(google, "unaffx") == Tokens{"[UNK]"});
  CHECK(tokens(mindspore, "unaffx unzaff") == Tokens{"un", "##aff", "[UNK]", "un", "[UNK]"});
  const auto count = [](const Tokenizer& tokenizer, size_t size) {
    return tokenizer.tokenize(std::string(size, 'a')).size();
  };
  CHECK(count(hf, 100) == 100);  // a piece for each character
  CHECK(count(hf, 101) == 1);
  CHECK(count(google, 200) == 200);
  CHECK(count(google, 201) == 1);
  CHECK(count(mindspore, 1000) == 1000);
}

TEST_CASE("each word is tokenized by itself, and none vanishes") {
  const Vocab vocab = small_vocab();
  const Tokenizer tokenizer(vocab);
  const WordPieces result =
      tokenizer.tokenize_words(std::vector<std::string>{"unaffable", "\u3000", "a!", "\u200b", "x"});
  CHECK(result.first == std::vector<uint32_t>{0, 3, 4, 6, 7, 8});
  CHECK(ids(result.pieces) == std::vector<int32_t>{5, 6, 7, 1, 15, 11, 1, 16});
  CHECK(result.pieces[3] == Piece{1, 0, 3});
  CHECK(result.empty_words == 2);
  CHECK(tokenizer.tokenize_words({}).first == std::vector<uint32_t>{0});
}

TEST_CASE("ids equal those of transformers and of google-research/bert on awkward texts") {
  const auto path = golden_file("tokenizer.jsonl");
  if (!path) return;
  for (const std::string name : {"uncased", "cased", "chinese"}) {
    const auto vocab_path = test::shared_file("vocab/" + name + ".txt");
    if (!vocab_path) {
      MESSAGE("skipped: no shared vocabulary");
      return;
    }
    const Vocab vocab = Vocab::load(*vocab_path);
    const Tokenizer hf(vocab, TokenizerRules::hf, name != "cased");
    const Tokenizer google(vocab, TokenizerRules::google, name != "cased");
    LineReader reader(*path);
    for (std::string_view line; reader.next(line);) {
      const Json row = json_of(line);
      CAPTURE(line.substr(0, 100));
      CHECK(ids(hf.tokenize(row["text"].get<std::string>())) == row[name].get<std::vector<int32_t>>());
      CHECK(ids(google.tokenize(row["text"].get<std::string>())) ==
            row["google_" + name].get<std::vector<int32_t>>());
    }
    CHECK(reader.line_number() > 50);
  }
}

TEST_CASE("every code point is treated as by transformers") {
  const auto path = golden_file("code_points.json");
  if (!path) return;
  const Json expected = json_of(file_content(*path));
  // In this vocabulary every character is a piece, so that the ids show what became of it.
  std::vector<char32_t> codes;
  constexpr std::pair<char32_t, char32_t> ranges[] = {
      {0, 0xD800}, {0xE000, 0x20000}, {0x2F800, 0x2FA20}, {0xE0000, 0xE1000}};
  for (const auto& [first, last] : ranges) {
    for (char32_t code = first; code < last; ++code) codes.push_back(code);
  }
  std::vector<std::string> pieces{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
  for (const char32_t code : codes) {
    for (std::string piece : {"", "##"}) {
      append_utf8(piece, code);
      pieces.push_back(piece);
    }
  }
  const Vocab vocab(std::move(pieces));
  const auto block_size = static_cast<char32_t>(expected["block"].integer());
  for (const bool lower : {true, false}) {
    const Tokenizer tokenizer(vocab, TokenizerRules::hf, lower);
    std::map<std::string, uint32_t> blocks;
    for (const char32_t code : codes) {
      std::string text = "x";
      append_utf8(text, code);
      uint32_t& crc = blocks[fmt::format("{:x}", code / block_size * block_size)];
      crc = checksum(crc, tokenizer.tokenize(text + "y"));
    }
    const Json& crcs = expected[lower ? "lower" : "keep"];
    CHECK(blocks.size() == crcs.size());
    for (const auto& entry : blocks) {
      CAPTURE(entry.first);
      CHECK(fmt::format("{:08x}", entry.second) == crcs[entry.first].get<std::string>());
    }
  }
}

TEST_CASE("ids equal those of transformers on every shared text") {
  if (!test::shared_file("vocab")) {
    MESSAGE("skipped: no shared data");
    return;
  }
  const auto golden = golden_file("tokenizer_shared.json");
  if (!golden) return;
  const Json files = json_of(file_content(*golden));
  for (const std::string name : {"uncased", "cased", "chinese"}) {
    const Vocab vocab = Vocab::load(*test::shared_file("vocab/" + name + ".txt"));
    const Tokenizer tokenizer(vocab, TokenizerRules::hf, name != "cased");
    for (const auto& [file, crcs] : files.members()) {
      if (!crcs.contains(name)) continue;
      const auto path = test::shared_file(file);
      if (!path) {
        MESSAGE("skipped: no shared file " << file);
        continue;
      }
      if (is_sanitized && std::filesystem::file_size(*path) > 300'000) continue;
      CAPTURE(file);
      uint32_t crc = 0;
      LineReader reader(*path);
      for (std::string_view line; reader.next(line);) crc = checksum(crc, tokenizer.tokenize(line));
      CHECK(fmt::format("{:08x}", crc) == crcs[name].get<std::string>());
    }
  }
}
