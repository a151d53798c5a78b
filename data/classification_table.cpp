#include "data/classification_table.h"

#include <algorithm>
#include <utility>

#include "core/counted.h"
#include "core/error.h"
#include "data/classification_columns.h"
#include "data/unicode.h"

namespace gradus {
namespace {

constexpr size_t most_ahead = 1000;  // rows that tell what the columns are

// How many rows are left out for a reason, and the first of them.
struct LeftOut {
  int64_t rows = 0, first = 0;

  void add(const TableRow& row) {
    if (rows++ == 0) first = row.line;
  }
};

bool has_quotes(std::string_view cell) {
  return cell.size() > 1 && cell.starts_with('"') && cell.ends_with('"');
}

class TableParser {
 public:
  TableParser(TableRows& rows, ClassificationReading& reading)
      : rows_(rows), reading_(reading), data_(reading.data), look_(rows.look()) {}

  void run() {
    std::vector<TableRow> ahead;
    for (TableRow row; ahead.size() < most_ahead && rows_.next(row);) ahead.push_back(row);
    const auto is_empty = [this](const TableRow& row) { return look_.quotes && is_empty_row(row); };
    while (!ahead.empty() && is_empty(ahead.front())) {
      empty_.add(ahead.front());
      ahead.erase(ahead.begin());
    }
    if (ahead.empty()) return;
    begin(ahead);
    for (size_t i = roles_.has_header ? 1 : 0; i < ahead.size(); ++i) add_row(ahead[i]);
    for (TableRow row; rows_.next(row);) add_row(row);
    tell();
  }

 private:
  void begin(const std::vector<TableRow>& ahead) {
    const ClassificationColumns& columns = reading_.columns;
    roles_ = roles_of_table(ahead, *data_.form, reading_.use, columns, data_.path);
    data_.has_header = roles_.has_header || columns.label.is_given();
    data_.layout.look = look_;
    data_.layout.preamble = rows_.preamble();
    if (roles_.has_header) {
      data_.layout.header = ahead.front().text;
      data_.layout.names = roles_.names;
    }
    data_.column_names = roles_.column_names();
    for (const size_t column : roles_.labels) data_.label_columns.push_back(roles_.names[column]);
    one_annotator_ = columns_of_one_annotator();
    is_qqp_ =
        roles_.has_header && roles_.label && same_column_name(roles_.names[*roles_.label], "is_duplicate");
    if (data_.form->language.empty() || columns.language.empty() || !roles_.has_header) return;
    for (size_t i = 0; i < roles_.names.size(); ++i) {
      if (same_column_name(roles_.names[i], data_.form->language)) language_ = i;
    }
  }

  static bool is_empty_row(const TableRow& row) {
    return std::ranges::all_of(row.cells, [](const std::string& cell) { return trimmed(cell).empty(); });
  }

  // SNLI and MultiNLI have a label of each of five annotators, label1 to label5, and rows of one annotator that end behind
  // the first. 0 where the header does not end so, or what is read stands there.
  size_t columns_of_one_annotator() const {
    size_t first = roles_.names.size();
    for (int annotator = 5; annotator > 1; --annotator) {
      if (first == 0 || !same_column_name(roles_.names[first - 1], fmt::format("label{}", annotator)))
        return 0;
      --first;
    }
    const auto is_before = [&](std::optional<size_t> column) { return !column || *column < first; };
    const bool are_before = is_before(roles_.text) && is_before(roles_.pair) && is_before(roles_.label) &&
                            std::ranges::all_of(roles_.labels, is_before);
    return are_before ? first : 0;
  }

  bool is_left_out(const TableRow& row) {
    const size_t count = roles_.names.size();
    // Where texts stand alone, an empty one is one of them, but in a spreadsheet's table.
    if (look_.quotes ? is_empty_row(row) : row.text.empty() && count > 1) {
      empty_.add(row);
      return true;
    }
    // A few lines of QQP as it is published are broken; the reference programs pass them over.
    if (is_qqp_ && row.cells.size() < count) {
      short_.add(row);
      return true;
    }
    if (row.cells.size() == one_annotator_) unannotated_.add(row);
    else if (row.cells.size() != count)
      fail("{}:{}: found {} columns: expected {}: {}{}", data_.path, row.line, row.cells.size(), count,
           shown_list(roles_.names),
           look_.quotes ? fmt::format(", with a {} between", delimiter_name(look_.delimiter)) : "");
    return language_ && others_.leave_out(row.cells[*language_], reading_.columns.language,
                                          fmt::format("{}:{}", data_.path, row.line));
  }

  void add_row(const TableRow& row) {
    if (is_left_out(row)) return;
    const bool labelled = (roles_.label || !roles_.labels.empty()) && reading_.use != ClassLabelUse::ignored;
    ClassificationText text;
    text.line = row.line;
    text.text_a = row.cells[roles_.text];
    if (roles_.pair) text.text_b = row.cells[*roles_.pair];
    if (labelled) set_labels(row, text);
    if (reading_.keep_rows)
      text.row = row.text + std::string(roles_.names.size() - row.cells.size(), look_.delimiter);
    quoted_ += !look_.quotes && has_quotes(text.text_a) ? 1 : 0;
    reading_.add(std::move(text), labelled);
  }

  void set_labels(const TableRow& row, ClassificationText& text) const {
    if (!reading_.columns.several_labels) {
      text.label = row.cells[*roles_.label];
      return;
    }
    const std::string where = fmt::format("{}:{}", data_.path, row.line);
    if (roles_.label) text.labels = reading_.labels_of(row.cells[*roles_.label], where);
    for (const size_t column : roles_.labels) {
      const std::string& name = roles_.names[column];
      if (ClassificationReading::holds(row.cells[column], name, where)) text.labels.push_back(name);
    }
  }

  void tell() {
    std::vector<std::string>& notes = data_.notes;
    if (look_.quotes)
      notes.push_back(fmt::format("CSV with a {} between cells{}", delimiter_name(look_.delimiter),
                                  roles_.has_header ? "" : "; no header: the first row is a text"));
    notes.push_back(roles_.description(reading_.use));
    if (empty_.rows > 0)
      notes.push_back(counted(empty_.rows, "empty line is left out", "empty lines are left out"));
    if (short_.rows > 0)
      notes.push_back(fmt::format(
          "{} left out, the first line {}",
          counted(short_.rows, "line of too few columns is", "lines of too few columns are"), short_.first));
    if (unannotated_.rows > 0)
      notes.push_back(fmt::format("{} behind label1, the first line {}",
                                  counted(unannotated_.rows, "row ends", "rows end"), unannotated_.first));
    if (data_.form->is_own() && quoted_ > 0)
      notes.push_back(
          fmt::format("{} in quotation marks, which are taken for text: --task_name csv reads them as a "
                      "spreadsheet does",
                      counted(quoted_, "text stands", "texts stand")));
    if (!reading_.columns.language.empty() && !language_)
      notes.push_back(fmt::format("no column '{}': the texts of all rows are read", data_.form->language));
    others_.tell(data_, reading_.columns.language);
  }

  TableRows& rows_;
  ClassificationReading& reading_;
  ClassificationData& data_;
  TableLook look_;
  ClassificationRoles roles_;
  bool is_qqp_ = false;
  std::optional<size_t> language_;  // its column, where rows are chosen by it
  OtherLanguages others_;
  size_t one_annotator_ = 0;  // columns of rows that may end behind label1; 0: none may
  LeftOut empty_, short_, unannotated_;
  int64_t quoted_ = 0;
};

}  // namespace

void read_table_texts(LineReader& lines, FormSyntax syntax, ClassificationReading& reading) {
  if (syntax == FormSyntax::spreadsheet) {
    TableRows rows(lines, reading.columns.delimiter);
    TableParser(rows, reading).run();
  } else {
    TableRows rows(lines);
    TableParser(rows, reading).run();
  }
}

}  // namespace gradus
