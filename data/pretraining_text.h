// Text to pretrain on: documents of sentences, as text and as token ids.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "data/text_file.h"
#include "data/word_piece.h"

namespace gradus {

enum class PretrainingForm {
  automatic,     // wikiextractor when the first line that is not blank begins with <doc, or else sentences
  sentences,     // one a line, blank lines between documents (google-research/bert)
  wikiextractor  // <doc id="..." title="...">, the title, paragraphs one a line, </doc>
};

// "auto", "sentences" or "wikiextractor". Throws Error on any other name.
PretrainingForm parse_pretraining_form(std::string_view name);

// The sentences of a file, plain or gzip.
class PretrainingReader {
 public:
  PretrainingReader(const std::string& path, PretrainingForm form);

  // The next sentence, valid until the next call, and whether a document ended before it; false at the end, and
  // whether one ended there. Of wikiextractor's files the titles are left out, &lt; &gt; &amp; &quot; become
  // characters, and paragraphs are cut into sentences (data/sentences.h). Throws Error "path:line: ..." on text
  // outside documents, a document without end and invalid UTF-8.
  bool next(std::string_view& sentence, bool& starts_document);

  int64_t line_number() const { return lines_.line_number(); }

 private:
  bool next_paragraph(std::string_view& paragraph);
  bool next_line(std::string_view& line);

  LineReader lines_;
  PretrainingForm form_;
  std::string first_line_;  // read to tell the form, and still to be handed out
  bool has_first_line_ = false;
  std::string title_, paragraph_;
  std::deque<std::string_view> sentences_;  // of the paragraph, still to be handed out
  bool in_document_ = false, starts_document_ = false;
};

// Token ids of documents, one after the other.
struct PretrainingDocuments {
  std::vector<int32_t> tokens;
  std::vector<int64_t> sentences{0};  // where each begins in `tokens`, and the end of the last
  std::vector<int64_t> documents{0};  // where each begins in `sentences`, and the end of the last

  int64_t size() const { return static_cast<int64_t>(documents.size()) - 1; }
  int64_t sentence_count() const { return static_cast<int64_t>(sentences.size()) - 1; }
};

// Tokenizes several files as one text. A document that a file does not end with a blank line goes on in the next, as it
// does in google-research/bert.
class PretrainingText {
 public:
  // The tokenizer must outlive it. Throws Error when there is no file, or one can't be opened.
  PretrainingText(std::vector<std::string> paths, PretrainingForm form, const Tokenizer& tokenizer,
                  int64_t threads);
  ~PretrainingText();

  // Reads further documents, up to the first end of one at which there are `most_tokens` or more; a document that
  // alone has twice as many is cut in two. Sentences without a token and documents without a sentence are left out.
  // False when nothing was left. Throws Error as PretrainingReader does.
  bool next(PretrainingDocuments& part, int64_t most_tokens);

  int64_t cut_documents() const { return cut_documents_; }
  int64_t empty_sentences() const { return empty_sentences_; }  // left out

 private:
  struct Block;

  bool read_block();

  std::vector<std::string> paths_;
  PretrainingForm form_;
  const Tokenizer& tokenizer_;
  int64_t threads_;
  size_t next_path_ = 0;
  std::unique_ptr<PretrainingReader> reader_;
  bool document_ended_ = false;   // before the next sentence
  std::unique_ptr<Block> block_;  // sentences read and tokenized ahead
  int64_t cut_documents_ = 0, empty_sentences_ = 0;
};

}  // namespace gradus
