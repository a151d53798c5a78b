#include "tasks/ner/predict_table.h"

#include "core/error.h"
#include "tasks/log/log.h"
#include "tasks/text/display_text.h"
#include "tasks/text/predicted_rows.h"

namespace gradus {
namespace {

using Cells = std::vector<std::string>;

constexpr size_t most_sentences = 512;  // that are tagged together
constexpr const char* added = "predicted_tag";

}  // namespace

void NerTablePredictor::run(LineReader& lines) {
  const std::string& name = lines.path();
  NerTableReader table(lines, std::nullopt, columns_);
  NerData data, shown;  // the first sentence, for the log
  shown.path = data.path = name;
  data.labelled = false;
  std::vector<NerTableRow> rows;
  bool begun = false;
  for (bool more = true; more;) {
    NerSentence sentence;
    more = table.next(sentence, &rows);
    if (!begun) {
      check(more, "{}: no word found: expected a table with a header and a word a row", name);
      layout_ = table.layout();
      const std::string head = predicted_head(layout_, {added}, name);
      if (style_ != EntityStyle::json) fmt::print(out_, "{}", head);
      shown.sentences.push_back(sentence);
      begun = true;
    }
    if (more) data.sentences.push_back(std::move(sentence));
    if (!more || data.sentences.size() == most_sentences) write(data, rows);
  }
  shown.notes = table.notes();
  print_log(stderr, "{}", shown.log());
  if (style_ != EntityStyle::json) print_log(stderr, "{}: column added: {}\n", name, added);
  if (counts_.is_notable()) print_log(stderr, "{}: {}\n", name, counts_.str());
}

// Writes what the rows of these sentences come to, and empties both.
void NerTablePredictor::write(NerData& data, std::vector<NerTableRow>& rows) {
  const std::vector<std::vector<int32_t>> tags = tagger_.predict(data, counts_);
  std::vector<std::string> cells;
  for (size_t i = 0; i < tags.size(); ++i) {
    if (style_ == EntityStyle::json)
      fmt::print(out_, "{}\n", sentence_json(system_, reader_, data.sentences[i], tags[i]));
    for (const int32_t tag : tags[i]) cells.push_back(word_tag(system_, tag));
  }
  auto next = cells.begin();
  for (const NerTableRow& row : rows) {
    if (style_ == EntityStyle::json) break;
    const bool is_word = row.kind == NerTableRow::Kind::word;
    fmt::print(out_, "{}\n", with_cell(row, is_word ? *next : ""));
    if (is_word) ++next;
  }
  flush_predictions(out_);
  data.sentences.clear();
  rows.clear();
}

std::string NerTablePredictor::with_cell(const NerTableRow& row, const std::string& tag) const {
  switch (row.kind) {
    case NerTableRow::Kind::word:
      return predicted_row(layout_, row.text, {tag});
    case NerTableRow::Kind::document:
      return predicted_row(layout_, row.text, {system_.labels().tag(system_.labels().outside_id())});
    case NerTableRow::Kind::empty:
      break;
  }
  return predicted_row(layout_, row.text, row.text.empty() ? Cells{} : Cells{""});
}

}  // namespace gradus
