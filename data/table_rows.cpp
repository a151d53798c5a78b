#include "data/table_rows.h"

#include <csv.h>

#include <algorithm>
#include <array>
#include <new>
#include <optional>
#include <tuple>
#include <utility>

#include "core/ascii.h"
#include "core/error.h"
#include "data/unicode.h"

namespace gradus {
namespace {

constexpr std::array<std::pair<char, std::string_view>, 4> delimiters{
    {{',', "comma"}, {';', "semicolon"}, {'\t', "tab"}, {'|', "bar"}}};
constexpr size_t most_ahead = 200;  // lines that tell the delimiter

}  // namespace

// libcsv, fed with a line at a time, so that lines can be counted.
class TableRows::Csv {
 public:
  explicit Csv(char delimiter) : delimiter_(delimiter) {
    if (csv_init(&parser_, CSV_STRICT | CSV_STRICT_FINI) != 0) throw std::bad_alloc();
    csv_set_blk_size(&parser_, 1 << 16);  // what a long cell grows by: 128 bytes unless said
    csv_set_delim(&parser_, static_cast<unsigned char>(delimiter));
    csv_set_space_func(&parser_, [](unsigned char) { return 0; });  // blanks are text
  }
  ~Csv() { csv_free(&parser_); }
  Csv(const Csv&) = delete;
  Csv& operator=(const Csv&) = delete;

  char delimiter() const { return delimiter_; }

  // Takes a line of the row, the first one or another; returns whether the row ends with it, and nothing when its
  // quotation marks are wrong.
  std::optional<bool> take(std::string_view line) {
    ended_ = false;
    for (const std::string_view part : {line, std::string_view("\n")}) {
      if (csv_parse(&parser_, part.data(), part.size(), add_cell, end_row, this) == part.size()) continue;
      if (csv_error(&parser_) == CSV_ENOMEM) throw std::bad_alloc();
      return std::nullopt;
    }
    return ended_;
  }

  // The cells of the row so far that are complete.
  std::vector<std::string>& cells() { return cells_; }

 private:
  static void add_cell(void* text, size_t size, void* self) {
    static_cast<Csv*>(self)->cells_.emplace_back(static_cast<const char*>(text), size);
  }
  static void end_row(int, void* self) { static_cast<Csv*>(self)->ended_ = true; }

  char delimiter_;
  csv_parser parser_{};
  std::vector<std::string> cells_;
  bool ended_ = false;
};

TableRows::TableRows(LineReader& lines) : lines_(lines) {}

TableRows::TableRows(LineReader& lines, char delimiter) : lines_(lines) {
  NumberedLine line;
  while (ahead_.size() < most_ahead) {
    std::string_view text;
    if (!lines_.next_bytes(text)) break;
    // What spreadsheets write by default is often none.
    if (const std::string fault = lines_.fault(); !fault.empty())
      fail("{}: {}{}", lines_.where(), fault,
           fault.starts_with("invalid") ? "; a spreadsheet saves UTF-8 as 'CSV UTF-8'" : "");
    ahead_.push_back({lines_.line_number(), std::string(text)});
  }
  if (!ahead_.empty() && is_delimiter_line(ahead_.front().text)) {
    preamble_ = ahead_.front().text;
    ahead_.pop_front();
    if (delimiter == 0) delimiter = parse_delimiter(lines_.path() + ":1: sep=", preamble_.substr(4));
  }
  csv_ = std::make_unique<Csv>(delimiter != 0 ? delimiter : guess_delimiter());
}

TableRows::~TableRows() = default;

// The delimiter that cuts all of the first rows into as many cells, of several such the one that makes most; where there
// is none, the one that cuts the first row into most.
char TableRows::guess_delimiter() {
  char best = ',';
  std::pair<bool, size_t> most{false, 1};
  for (const auto& [delimiter, name] : delimiters) {
    Csv csv(delimiter);
    size_t columns = 0;
    bool alike = true;
    for (const NumberedLine& line : ahead_) {
      if (line.text.empty() && csv.cells().empty()) continue;
      const std::optional<bool> ended = csv.take(line.text);
      if (!ended) alike = false;
      if (!ended) break;
      if (!*ended) continue;
      if (columns == 0) columns = csv.cells().size();
      alike &= csv.cells().size() == columns;
      csv.cells().clear();
    }
    const std::pair<bool, size_t> found{alike && columns > 1, columns};
    if (found > most) std::tie(best, most) = std::pair(delimiter, found);
  }
  return best;
}

bool TableRows::next_line(NumberedLine& line) {
  if (!ahead_.empty()) {
    line = std::move(ahead_.front());
    ahead_.pop_front();
    return true;
  }
  std::string_view text;
  if (!lines_.next(text)) return false;
  line = {lines_.line_number(), std::string(text)};
  return true;
}

bool TableRows::next(TableRow& row) {
  NumberedLine line;
  if (!next_line(line)) return false;
  row.line = line.number;
  row.text = line.text;
  if (!csv_) {
    std::vector<std::string_view> cells;
    split_columns(line.text, Separator::tabs, cells);
    row.cells.assign(cells.begin(), cells.end());
    return true;
  }
  row.cells.clear();
  if (line.text.empty()) {
    row.cells.emplace_back();
    return true;
  }
  csv_->cells().clear();
  int64_t opened = line.number;
  for (size_t before = 0;;) {
    const std::optional<bool> ended = csv_->take(line.text);
    check(ended.has_value(),
          "{}:{}: a quotation mark that neither begins nor ends a cell: expected a cell with quotation marks "
          "in it between two of its own, and each in it twice",
          lines_.path(), line.number);
    if (*ended) break;
    // The cell that is open is the one behind those that are complete.
    if (csv_->cells().size() > before) opened = line.number;
    before = csv_->cells().size();
    check(next_line(line), "{}:{}: a quotation mark begins a cell here, and none ends it", lines_.path(),
          opened);
    row.text.append("\n").append(line.text);
    check(row.text.size() <= longest_line,
          "{}:{}: a quotation mark begins a cell here, and none ends it within {} bytes", lines_.path(),
          opened, longest_line);
  }
  row.cells = std::move(csv_->cells());
  csv_->cells().clear();
  return true;
}

TableLook TableRows::look() const { return csv_ ? TableLook{true, csv_->delimiter()} : TableLook{}; }

bool is_delimiter_line(std::string_view line) { return line.size() == 5 && line.starts_with("sep="); }

std::vector<std::string_view> header_cells(std::string_view line, std::string_view delimiters) {
  std::vector<std::string_view> cells;
  for (size_t begin = 0;;) {
    const size_t end = std::min(line.find_first_of(delimiters, begin), line.size());
    cells.push_back(trimmed(line.substr(begin, end - begin), " \t\""));
    if (end == line.size()) return cells;
    begin = end + 1;
  }
}

bool is_called_csv(std::string_view path) {
  return std::ranges::any_of(std::array<std::string_view, 2>{".csv", ".csv.gz"}, [&](std::string_view end) {
    return path.size() >= end.size() && same_ignoring_case(path.substr(path.size() - end.size()), end);
  });
}

char parse_delimiter(std::string_view option, std::string_view text) {
  if (text.empty()) return 0;
  for (const auto& [delimiter, name] : delimiters) {
    if (text == name || text == std::string_view(&delimiter, 1)) return delimiter;
  }
  fail("{}{}: expected comma, semicolon, tab or bar", option, shown(text));
}

std::string_view delimiter_name(char delimiter) {
  return std::ranges::find(delimiters, delimiter, &std::pair<char, std::string_view>::first)->second;
}

std::string table_cell(std::string_view text, const TableLook& look) {
  std::string cell(text);
  if (!look.quotes) {
    for (char& c : cell) {
      if (c == '\t' || c == '\n' || c == '\r') c = ' ';
    }
    return cell;
  }
  if (text.find_first_of(std::string{look.delimiter, '"', '\n', '\r'}) == std::string_view::npos) return cell;
  cell.resize(csv_write(nullptr, 0, text.data(), text.size()));
  csv_write(cell.data(), cell.size(), text.data(), text.size());
  return cell;
}

}  // namespace gradus
