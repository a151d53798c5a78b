#include "data/pretraining_text.h"

#include <algorithm>

#include "core/error.h"
#include "core/run_parallel.h"
#include "data/sentences.h"

namespace gradus {
namespace {

constexpr std::string_view closing = "</doc>";

bool opens_document(std::string_view line) { return line.starts_with("<doc ") || line.starts_with("<doc>"); }

bool is_blank(std::string_view line) {
  for (size_t at = 0; at < line.size();) {
    if (!is_python_space(decode_utf8(line, at))) return false;
  }
  return true;
}

std::string without_entities(std::string_view text) {
  std::string plain;
  plain.reserve(text.size());
  while (!text.empty()) {
    size_t taken = 1;
    char c = text.front();
    for (const auto& [entity, character] :
         {std::pair{std::string_view("&lt;"), '<'}, {"&gt;", '>'}, {"&amp;", '&'}, {"&quot;", '"'}}) {
      if (!text.starts_with(entity)) continue;
      taken = entity.size();
      c = character;
    }
    plain.push_back(c);
    text.remove_prefix(taken);
  }
  return plain;
}

// The title="..." of a <doc> line: what stands between the first quotation mark behind it and the last of the line.
std::string title_of(std::string_view line) {
  const size_t begin = line.find("title=\"");
  if (begin == std::string_view::npos) return {};
  const size_t from = begin + 7, to = line.rfind('"');
  return to <= from ? std::string() : without_entities(line.substr(from, to - from));
}

}  // namespace

PretrainingForm parse_pretraining_form(std::string_view name) {
  if (name == "auto") return PretrainingForm::automatic;
  if (name == "sentences") return PretrainingForm::sentences;
  check(name == "wikiextractor", "[pretraining] form '{}': expected auto, sentences or wikiextractor", name);
  return PretrainingForm::wikiextractor;
}

PretrainingReader::PretrainingReader(const std::string& path, PretrainingForm form)
    : lines_(path), form_(form) {
  if (form_ != PretrainingForm::automatic) return;
  form_ = PretrainingForm::sentences;
  for (std::string_view line; lines_.next(line);) {
    if (is_blank(line)) {
      starts_document_ = true;
      continue;
    }
    first_line_ = line;
    has_first_line_ = true;
    if (opens_document(line)) form_ = PretrainingForm::wikiextractor;
    return;
  }
}

bool PretrainingReader::next_line(std::string_view& line) {
  if (!has_first_line_) return lines_.next(line);
  has_first_line_ = false;
  line = first_line_;
  return true;
}

bool PretrainingReader::next_paragraph(std::string_view& paragraph) {
  for (std::string_view line; next_line(line);) {
    if (opens_document(line)) {
      check(!in_document_, "{}: a document begins within another: expected {} before", lines_.where(),
            closing);
      in_document_ = starts_document_ = true;
      title_ = title_of(line);
    } else if (line == closing) {
      check(in_document_, "{}: {} without a document", lines_.where(), closing);
      in_document_ = false;
    } else if (!is_blank(line)) {
      check(in_document_, "{}: text outside <doc> and {}: expected all text in such", lines_.where(),
            closing);
      paragraph_ = without_entities(line);
      // The first line repeats the title.
      if (paragraph_ == title_) {
        title_.clear();
        continue;
      }
      title_.clear();
      paragraph = paragraph_;
      return true;
    }
  }
  check(!in_document_, "{}: the file ends within a document: no {}", lines_.where(), closing);
  return false;
}

bool PretrainingReader::next(std::string_view& sentence, bool& starts_document) {
  if (form_ == PretrainingForm::wikiextractor) {
    while (sentences_.empty()) {
      std::string_view paragraph;
      if (!next_paragraph(paragraph)) {
        starts_document = true;
        return false;
      }
      const std::vector<std::string_view> all = split_sentences(paragraph);
      sentences_.assign(all.begin(), all.end());
    }
    sentence = sentences_.front();
    sentences_.pop_front();
  } else {
    do {
      if (!next_line(sentence)) {
        starts_document = starts_document_;
        return false;
      }
      if (is_blank(sentence)) starts_document_ = true;
    } while (is_blank(sentence));
  }
  starts_document = starts_document_;
  starts_document_ = false;
  return true;
}

// Sentences are read one after the other, and tokenized by all threads, a block at a time.
struct PretrainingText::Block {
  struct Sentence {
    size_t begin, end;  // in `text`
    bool starts_document;
  };
  static constexpr size_t most_text = size_t{4} << 20, stripe = 64;  // bytes; sentences a job

  void clear() {
    text.clear();
    sentences.clear();
    at = 0;
  }

  std::string text;
  std::vector<Sentence> sentences;
  std::vector<std::vector<int32_t>> tokens;  // of each sentence
  size_t at = 0;                             // the first sentence not handed out
};

PretrainingText::PretrainingText(std::vector<std::string> paths, PretrainingForm form,
                                 const Tokenizer& tokenizer, int64_t threads)
    : paths_(std::move(paths)),
      form_(form),
      tokenizer_(tokenizer),
      threads_(threads),
      block_(std::make_unique<Block>()) {
  check(!paths_.empty(), "[pretraining text] no file");
  for (const std::string& path : paths_) LineReader{path};
}

PretrainingText::~PretrainingText() = default;

bool PretrainingText::read_block() {
  Block& block = *block_;
  block.clear();
  while (block.text.size() < Block::most_text) {
    if (reader_ == nullptr) {
      if (next_path_ == paths_.size()) break;
      reader_ = std::make_unique<PretrainingReader>(paths_[next_path_], form_);
    }
    std::string_view sentence;
    bool starts_document = false;
    const bool read = reader_->next(sentence, starts_document);
    document_ended_ = document_ended_ || starts_document;
    if (!read) {
      reader_.reset();
      ++next_path_;
      continue;
    }
    const size_t begin = block.text.size();
    block.text += sentence;
    block.sentences.push_back({begin, block.text.size(), document_ended_});
    document_ended_ = false;
  }
  block.tokens.resize(block.sentences.size());
  const size_t stripes = (block.sentences.size() + Block::stripe - 1) / Block::stripe;
  run_parallel(stripes, threads_, [&](size_t stripe) {
    const size_t first = stripe * Block::stripe;
    for (size_t i = first; i < std::min(first + Block::stripe, block.sentences.size()); ++i) {
      const Block::Sentence& s = block.sentences[i];
      block.tokens[i].clear();
      for (const Piece& piece :
           tokenizer_.tokenize(std::string_view(block.text).substr(s.begin, s.end - s.begin)))
        block.tokens[i].push_back(piece.id);
    }
  });
  return !block.sentences.empty();
}

bool PretrainingText::next(PretrainingDocuments& part, int64_t most_tokens) {
  part = {};
  const auto end_document = [&] {
    if (part.documents.back() < part.sentence_count()) part.documents.push_back(part.sentence_count());
  };
  while (block_->at < block_->sentences.size() || read_block()) {
    for (; block_->at < block_->sentences.size(); ++block_->at) {
      const auto size = static_cast<int64_t>(part.tokens.size());
      const bool starts = block_->sentences[block_->at].starts_document;
      if (starts) end_document();
      if (size > 0 && size >= (starts ? most_tokens : 2 * most_tokens)) {
        cut_documents_ += starts ? 0 : 1;
        end_document();
        return true;
      }
      const std::vector<int32_t>& tokens = block_->tokens[block_->at];
      if (tokens.empty()) {
        ++empty_sentences_;
        continue;
      }
      part.tokens.insert(part.tokens.end(), tokens.begin(), tokens.end());
      part.sentences.push_back(static_cast<int64_t>(part.tokens.size()));
    }
  }
  end_document();
  return part.size() > 0;
}

}  // namespace gradus
