#include "data/squad_table.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>

#include "core/counted.h"
#include "core/error.h"
#include "data/squad_contexts.h"
#include "data/table_rows.h"
#include "data/text_file.h"
#include "data/unicode.h"

namespace gradus {
namespace {

constexpr std::string_view expected =
    "expected context, question, and if they are there answer (or answer_text, text), answer_start, id, "
    "is_impossible";

// Where the columns are.
struct Columns {
  size_t context = 0, question = 0;
  std::optional<size_t> answer, id, start, impossible;
  std::string unread;  // the names of the others

  Columns(const std::vector<std::string>& header, const std::string& where) {
    std::vector<bool> is_read(header.size());
    const auto find = [&](std::initializer_list<std::string_view> names) -> std::optional<size_t> {
      for (const std::string_view name : names) {
        const auto is_it = [&](const std::string& cell) { return same_column_name(trimmed(cell), name); };
        const auto found = std::ranges::find_if(header, is_it);
        if (found == header.end()) continue;
        check(std::none_of(found + 1, header.end(), is_it), "{}: several columns named '{}'", where, name);
        is_read[static_cast<size_t>(found - header.begin())] = true;
        return static_cast<size_t>(found - header.begin());
      }
      return std::nullopt;
    };
    const auto needed = [&](std::string_view name) {
      const std::optional<size_t> place = find({name});
      check(place.has_value(),
            "{}: taken for CSV, as JSON begins with a brace or a bracket: no column '{}', found {}: {}",
            where, name, shown_list(header), expected);
      return *place;
    };
    context = needed("context");
    question = needed("question");
    answer = find({"answer", "answer_text", "text"});
    id = find({"id"});
    start = find({"answer_start"});
    impossible = find({"is_impossible"});
    std::vector<std::string> others;
    for (size_t i = 0; i < header.size(); ++i) {
      if (!is_read[i]) others.push_back(header[i].empty() ? "''" : header[i]);
    }
    if (!others.empty()) unread = shown_list(others);
  }
};

// How often something is found, and the first of it for an example.
struct Seen {
  int64_t count = 0;
  std::string first;

  void add(const std::function<std::string()>& example) {
    if (count++ == 0) first = example();
  }
};

int64_t times_in(std::string_view text, std::string_view part) {
  int64_t times = 0;
  for (size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) ++times;
  return times;
}

class TableReader {
 public:
  TableReader(const std::string& path, bool keep_rows)
      : path_(path), keep_rows_(keep_rows), lines_(path), rows_(lines_, 0) {
    data_.path = path;
  }

  // The whole file.
  SquadData run() {
    TableRow row;
    while (next(row)) {
      if (!columns_) begin(row);
      else add_row(row);
    }
    check(!data_.questions.empty(), "{}: no question{}", path_, columns_ ? " below the header" : "");
    return std::move(data_);
  }

  std::vector<std::string> notes() const {
    std::vector<std::string> notes{
        fmt::format("CSV with a {} between cells", delimiter_name(rows_.look().delimiter))};
    if (!columns_->unread.empty()) notes.push_back("columns that are not read: " + columns_->unread);
    if (!columns_->answer) notes.push_back("no column with answers");
    if (!columns_->id) notes.push_back("no column 'id': the questions are numbered from 1");
    const auto add = [&](int64_t count, std::string_view one, std::string_view many,
                         const std::string& more = "") {
      if (count > 0) notes.push_back(counted(count, one, many) + more);
    };
    add(empty_, "empty line is left out", "empty lines are left out");
    add(further_.count, "row is a further one of a question", "rows are further ones of a question",
        further_.first);
    add(answered_impossible_, "question that can't be answered has answers, which are left out",
        "questions that can't be answered have answers, which are left out");
    add(placeless_, "answer without a place in the text: the first where it stands is taken",
        "answers without a place in the text: the first where each stands is taken");
    add(ambiguous_.count, "of them stands there more than once", "of them stand there more than once",
        ambiguous_.first);
    return notes;
  }

 private:
  // What is known of a question beside what it becomes.
  struct Asked {
    int64_t line;     // of its first row
    bool has_answer;  // in that
  };

  // The next row that is not empty.
  bool next(TableRow& row) {
    while (rows_.next(row)) {
      const auto is_blank = [](const std::string& cell) { return trimmed(cell).empty(); };
      if (!std::ranges::all_of(row.cells, is_blank)) return true;
      ++empty_;
    }
    return false;
  }

  void begin(const TableRow& row) {
    columns_.emplace(row.cells, where(row));
    data_.table = TableLayout{rows_.look(), rows_.preamble(),  row.text,
                              row.cells,    lines_.has_mark(), lines_.ends_in_crlf()};
  }

  void add_row(const TableRow& row) {
    const std::vector<std::string>& names = data_.table->names;
    check(row.cells.size() == names.size(), "{}: found {} columns: expected {}: {}, with a {} between",
          where(row), row.cells.size(), names.size(), shown_list(names),
          delimiter_name(rows_.look().delimiter));
    std::string answer = columns_->answer ? row.cells[*columns_->answer] : "";
    if (trimmed(answer).empty()) answer.clear();
    const bool is_impossible = impossible_in(row).value_or(columns_->answer && answer.empty());
    if (is_impossible) {
      answered_impossible_ += answer.empty() ? 0 : 1;
      answer.clear();
      data_.has_impossible = true;
    }
    const size_t number = question_of(row, !answer.empty());
    SquadQuestion& question = data_.questions[number];
    question.is_impossible = question.is_impossible || is_impossible;
    if (!answer.empty()) question.answers.push_back({answer, start_of(row, answer)});
    if (keep_rows_) data_.rows.push_back({number, where(row), row.text});
  }

  // Whether its question can't be answered, where the row says so or not.
  std::optional<bool> impossible_in(const TableRow& row) {
    if (!columns_->impossible) return std::nullopt;
    const std::string_view cell = trimmed(row.cells[*columns_->impossible]);
    if (cell.empty()) return std::nullopt;
    const bool yes = is_column_name(cell, {"true", "1"});
    check(yes || is_column_name(cell, {"false", "0"}),
          "{}: the is_impossible is '{}': expected true, false, 1, 0 or nothing", where(row), shown(cell));
    data_.has_impossible = true;
    return yes;
  }

  // The question that a row is of: one that is there, or a new one.
  size_t question_of(const TableRow& row, bool has_answer) {
    const std::string& text = row.cells[columns_->question];
    check(!trimmed(text).empty(), "{}: the question is empty", where(row));
    const int32_t context = contexts_.place(row.cells[columns_->context], data_.contexts);
    const size_t next = data_.questions.size();
    const size_t number = columns_->id ? with_id(row, next) : with_text(context, text, next);
    if (number == next) {
      data_.questions.push_back(
          {columns_->id ? std::string(trimmed(row.cells[*columns_->id])) : std::to_string(number + 1),
           text,
           context,
           {},
           false});
      asked_.push_back({row.line, has_answer});
      return number;
    }
    check_same(row, number, context, has_answer);
    further_.add([&] { return fmt::format(": line {} of that on line {}", row.line, asked_[number].line); });
    return number;
  }

  void check_same(const TableRow& row, size_t number, int32_t context, bool has_answer) const {
    const SquadQuestion& question = data_.questions[number];
    const Asked& first = asked_[number];
    const bool same_text = question.text == row.cells[columns_->question];
    check(question.context == context && same_text,
          "{}: the id '{}' is that of line {} with another {}: expected one of its own, or the same {} for a "
          "further answer",
          where(row), shown(question.id), first.line, same_text ? "context" : "question",
          same_text ? "context" : "question");
    check(
        first.has_answer == has_answer,
        "{}: the question has {} answer here, but {} on line {}: expected one in all of its rows or in none",
        where(row), has_answer ? "an" : "no", has_answer ? "none" : "one", first.line);
  }

  size_t with_id(const TableRow& row, size_t next) {
    const std::string_view id = trimmed(row.cells[*columns_->id]);
    check(!id.empty(), "{}: the id is empty", where(row));
    return by_id_.try_emplace(std::string(id), next).first->second;
  }

  size_t with_text(int32_t context, const std::string& text, size_t next) {
    return by_text_.try_emplace({context, text}, next).first->second;
  }

  // Where the answer begins, in characters.
  int64_t start_of(const TableRow& row, const std::string& answer) {
    const std::string& context = row.cells[columns_->context];
    std::string_view cell = columns_->start ? trimmed(row.cells[*columns_->start]) : std::string_view();
    if (!cell.empty()) {
      // Programs that take an empty cell for a number write those of the column with a point.
      const std::string_view digits = cell.ends_with(".0") ? cell.substr(0, cell.size() - 2) : cell;
      const std::optional<int64_t> start = whole_number(digits);
      const int64_t length = count_characters(context);
      check(
          start && *start < length,
          "{}: the answer_start is '{}': expected a number from 0 that is below the context's {}, or nothing",
          where(row), shown(cell), counted(length, "character"));
      return *start;
    }
    const size_t place = context.find(answer);
    check(place != std::string::npos, "{}: the answer '{}' is not in the context '{}'", where(row),
          shown(answer, most_shown), shown(context, most_shown));
    ++placeless_;
    if (context.find(answer, place + 1) != std::string::npos)
      ambiguous_.add([&] {
        return fmt::format(": '{}' {} times, on line {}", shown(answer, most_shown),
                           times_in(context, answer), row.line);
      });
    return count_characters(std::string_view(context).substr(0, place));
  }

  std::string where(const TableRow& row) const { return fmt::format("{}:{}", path_, row.line); }

  static constexpr size_t most_shown = 100;  // bytes of a text

  const std::string path_;
  const bool keep_rows_;
  LineReader lines_;
  TableRows rows_;
  std::optional<Columns> columns_;  // none before the header
  SquadData data_;
  SquadContexts contexts_;
  std::vector<Asked> asked_;                                   // of each question
  std::unordered_map<std::string, size_t> by_id_;              // questions, where the rows have ids
  std::map<std::pair<int32_t, std::string>, size_t> by_text_;  // and where they have none
  int64_t empty_ = 0, answered_impossible_ = 0, placeless_ = 0;
  Seen further_, ambiguous_;
};

// Hands the questions over in parts whose text has `most_bytes` or a little more.
void hand_over(SquadData& whole, int64_t most_bytes, const std::function<void(SquadData&)>& use) {
  SquadData part;
  SquadContexts contexts;
  int64_t bytes = 0;
  const auto hand_over_part = [&] {
    part.path = whole.path;
    part.has_impossible = whole.has_impossible;
    use(part);
    part = {};
    contexts.clear();
    bytes = 0;
  };
  for (SquadQuestion& question : whole.questions) {
    const std::string& context = whole.contexts[static_cast<size_t>(question.context)];
    const size_t before = part.contexts.size();
    question.context = contexts.place(context, part.contexts);
    bytes +=
        static_cast<int64_t>(question.text.size() + (part.contexts.size() > before ? context.size() : 0));
    part.questions.push_back(std::move(question));
    if (bytes >= most_bytes) hand_over_part();
  }
  if (!part.questions.empty()) hand_over_part();
}

}  // namespace

bool begins_with_squad_header(std::string_view text) {
  constexpr std::string_view ends = "\r\n";
  std::string_view line;
  do {
    text.remove_prefix(std::min(text.find_first_not_of(ends), text.size()));
    line = text.substr(0, text.find_first_of(ends));
    text.remove_prefix(line.size());
  } while (is_delimiter_line(line));
  const std::vector<std::string_view> cells = header_cells(line, ",;\t|");
  return std::ranges::all_of(std::array{"context", "question"}, [&](std::string_view name) {
    return std::ranges::any_of(cells, [&](std::string_view cell) { return same_column_name(cell, name); });
  });
}

std::vector<std::string> read_squad_table(const std::string& path, bool keep_rows, int64_t most_bytes,
                                          const std::function<void(SquadData&)>& use) {
  TableReader reader(path, keep_rows);
  SquadData whole = reader.run();
  if (keep_rows) use(whole);
  else hand_over(whole, most_bytes, use);
  return reader.notes();
}

}  // namespace gradus
