// Questions about paragraphs of text, in the JSON form of SQuAD (Rajpurkar et al. 2016, arXiv:1606.05250; 2018,
// arXiv:1806.03822), which CMRC 2018, DRCD and XQuAD have too, as JSON rows of a question each, or in CSV.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "data/table_rows.h"

namespace gradus {

struct SquadAnswer {
  std::string text;
  int64_t start =
      0;  // in the context, in characters (code points); negative where nobody looked, or beyond its end
};

struct SquadQuestion {
  std::string id;
  std::string text;
  int32_t context = 0;  // its index in SquadData::contexts
  std::vector<SquadAnswer> answers;
  bool is_impossible = false;  // the context does not answer it
};

// A row of a file that has one for each question, or one for each answer.
struct SquadRow {
  size_t question = 0;  // of SquadData::questions
  std::string where;    // "path:line", or "path: data[i]"
  std::string text;     // as it stands in the file; that of an object in a list is written anew, in one line
};

struct SquadData {
  std::string path;
  std::vector<std::string> contexts;
  std::vector<SquadQuestion> questions;   // in the file's order
  bool has_impossible = false;            // version 2: some question says whether it is impossible
  std::vector<std::string> notes;         // what was left out or taken for something else, for the log
  std::vector<SquadRow> rows = {};        // in the file's order, where they are kept
  std::optional<TableLayout> table = {};  // of CSV, where rows are kept

  // "path: question 'id'"
  std::string where(size_t question) const;
  // "path: ..." of each note, and of the first question as it was understood.
  std::string log() const;
};

// Reads a file, plain or gzip, whose form its content tells.
//
// JSON: {"data": [{"paragraphs": [{"context": ..., "qas": [{"id": ..., "question": ..., "answers": [{"text": ...,
// "answer_start": ...}, ...], "is_impossible": ...}]}]}]}. As other programs write it: an id may be a whole number,
// which counts as its digits; "is_impossible" a text or 0 or 1, its answers are left out; the answers {"text": [...],
// "answer_start": [...]}, where empty lists mean that there is none; "answer_start" missing or anywhere. Questions that
// have their "context" beside them may stand in "data", or in a list that is the file, or be the lines of the file (the
// datasets of Hugging Face). Further names and what was left out are told in the notes.
//
// CSV (data/table_rows.h): a header has the names context and question, and answer (or answer_text, or text), id,
// answer_start and is_impossible where there are any. Rows of one id, or where there are no ids of one context and
// question, are the answers of one question. Without ids questions are numbered. An empty answer says that the context has
// none, unless is_impossible says otherwise. Without answer_start the first place where the answer stands counts.
//
// Throws Error naming the file and "data[i].paragraphs[j].qas[k]", or the line, when something is missing or of another
// type, an id occurs twice, or in CSV with another question, a row has a wrong number of columns, an answer that has no
// place is not in its context, and when there is no question. With `keep_rows` the rows are kept.
SquadData read_squad(const std::string& path, bool keep_rows = false);

// The same in parts, for files of any size: `use` gets paragraphs whose text has `most_bytes` or a little more, as
// soon as they are read. Apart from them memory is taken by the ids of all questions, and by the text of CSV, whose rows
// of one question may be anywhere. Returns the notes.
std::vector<std::string> read_squad(const std::string& path, int64_t most_bytes,
                                    const std::function<void(SquadData&)>& use);

// Whether a file is one to be read so, and no lines of text: it begins with a JSON object, a list of them, or the names of
// columns. A pipe is not looked into: what is read of it is gone.
bool is_squad_file(const std::string& path);
// The same of a text.
bool begins_as_squad(std::string_view text);

}  // namespace gradus
