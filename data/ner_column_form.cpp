#include "data/ner_column_form.h"

#include <algorithm>
#include <utility>

#include "core/error.h"
#include "data/ner_names.h"
#include "data/tag_scheme.h"
#include "data/text_file.h"
#include "data/unicode.h"

namespace gradus {
namespace {

using Fields = std::vector<std::string_view>;

constexpr size_t conllu_columns = 10;
constexpr size_t few_rows = 3, many_rows = 10;  // that tell something when they are alike
constexpr std::string_view global_columns = "# global.columns =";

// "# " begins a comment in CoNLL-U and GermEval, "#begin document" a document of OntoNotes.
bool begins_like_comment(std::string_view line) {
  return line == "#" || line.starts_with("# ") || line.starts_with("#\t") ||
         line.starts_with("#begin document") || line.starts_with("#end document");
}

// One line with columns.
struct Row {
  const NumberedLine* line;
  Fields fields;
  size_t sentence;
};

class FormFinder {
 public:
  FormFinder(std::span<const NumberedLine> lines, NerTags tags, const NerColumns& columns,
             const std::string& path)
      : tags_(tags), columns_(columns), path_(path) {
    collect(lines, true);
    if (rows_.empty()) collect(lines, false);
  }

  NerColumnForm run() {
    if (rows_.empty()) return form_;
    form_.separator = separator();
    for (Row& row : rows_) split_columns(row.line->text, form_.separator, row.fields);
    find_header();
    if (rows_.empty()) return form_;
    form_.count = rows_.front().fields.size();
    find_numbers();
    choose_columns();
    for (const Row& row : rows_)
      if (form_.label && row.fields.size() == form_.count) form_.tags.emplace(row.fields[*form_.label]);
    check_words();
    return std::move(form_);
  }

 private:
  std::string where(const Row& row) const { return fmt::format("{}:{}", path_, row.line->number); }

  // The lines that are not blank; with `comments`, those before the first word of a sentence that begin like one are
  // left out.
  void collect(std::span<const NumberedLine> lines, bool comments) {
    bool begun = false;
    size_t sentence = 0;
    for (const NumberedLine& line : lines) {
      if (ends_sentence(line.text)) {
        sentence += begun ? 1 : 0;
        begun = false;
      } else if (comments && !begun && begins_like_comment(line.text)) {
        if (line.text.starts_with(global_columns)) take_names(line);
      } else {
        begun = true;
        rows_.push_back({&line, {}, sentence});
      }
    }
  }

  void take_names(const NumberedLine& line) {
    Fields fields;
    split_columns(std::string_view(line.text).substr(global_columns.size()), Separator::blanks, fields);
    names_.assign(fields.begin(), fields.end());
  }

  // Tabs alone where only these give every line as many columns: words may then have blanks in them.
  Separator separator() const {
    const auto is_even = [this](Separator separator) {
      Fields fields;
      size_t count = 0;
      for (const Row& row : rows_) {
        split_columns(row.line->text, separator, fields);
        if (count == 0) count = fields.size();
        if (fields.size() != count) return false;
      }
      return count > 1;
    };
    return !is_even(Separator::blanks) && is_even(Separator::tabs) ? Separator::tabs : Separator::blanks;
  }

  void find_header() {
    if (!names_.empty()) return;
    const Fields& first = rows_.front().fields;
    const bool named = columns_.text.is_name() || columns_.label.is_name();
    const bool known = std::any_of(first.begin(), first.end(), is_word_name) &&
                       std::any_of(first.begin(), first.end(), is_tag_name);
    if (!named && !known) return;
    form_.header_line = rows_.front().line->number;
    names_.assign(first.begin(), first.end());
    rows_.erase(rows_.begin());
  }

  // The first column counts when it does so in every sentence, and does not look like the words of one by chance.
  void find_numbers() {
    const size_t needed = tags_ == NerTags::required || rows_.size() < few_rows ? 3 : 2;
    const auto counted = std::find_if(rows_.begin(), rows_.end(),
                                      [](const Row& row) { return !is_range_number(row.fields.front()); });
    if (counted == rows_.end()) return;
    const std::optional<int64_t> first = whole_number(counted->fields.front());
    if (form_.count < needed || !first || *first > 1) return;
    const auto is_tagged = [](const Row& row) { return looks_like_tag(row.fields.back()); };
    if (form_.count == 2 && std::all_of(rows_.begin(), rows_.end(), is_tagged)) return;
    int64_t number = *first;
    size_t sentence = 0, longest = 0, length = 0;
    for (const Row& row : rows_) {
      if (row.sentence != sentence) {
        number = *first;
        length = 0;
      }
      sentence = row.sentence;
      if (is_range_number(row.fields.front())) continue;
      if (whole_number(row.fields.front()) != number) return;
      ++number;
      longest = std::max(longest, ++length);
    }
    if (longest > 1) form_.first_number = first;
  }

  void choose_columns() {
    const std::string place = where(rows_.front());
    const auto named = [this](bool (*is_name)(std::string_view)) -> std::optional<size_t> {
      const auto found = std::find_if(names_.begin(), names_.end(), is_name);
      if (found == names_.end()) return std::nullopt;
      return static_cast<size_t>(found - names_.begin());
    };
    check(names_.empty() || names_.size() == form_.count, "{}: found {} columns, the header names {}", place,
          form_.count, names_.size());
    const size_t first = form_.first_number ? 1 : 0;
    form_.text = columns_.text.is_given() ? columns_.text.place(form_.count, names_, place)
                                          : named(is_word_name).value_or(first);
    if (columns_.label.is_given()) {
      form_.label = columns_.label.place(form_.count, names_, place);
      check(form_.label != form_.text, "{}: words and tags both from column {}: {} or {} chooses another",
            place, form_.text + 1, "--text_column", "--label_column");
    } else if (const std::optional<size_t> label = named(is_tag_name)) {
      form_.label = label;
    } else if (form_.first_number && form_.count == conllu_columns && names_.empty()) {
      check(tags_ == NerTags::optional,
            "{}: 10 columns of which the first counts: this looks like CoNLL-U, which has no column of its "
            "own for names: --label_column says which has the tags",
            place);
    } else if (form_.count > first + 1 && form_.text != form_.count - 1) {
      form_.label = form_.count - 1;
    }
    check(form_.label || tags_ == NerTags::optional || form_.count == 1,
          "{}: words from column {} of {}: --label_column says which has the tags", place, form_.text + 1,
          form_.count);
  }

  void check_words() const {
    Fields words;
    for (const Row& row : rows_) {
      if (row.fields.size() == form_.count && !is_range_number(row.fields.front()))
        words.push_back(row.fields[form_.text]);
    }
    if (words.empty()) return;
    const std::string place = where(rows_.front());
    const std::string sample = shown(words.front(), 60);
    if (!columns_.text.is_given() && form_.count > 1) {
      const bool numbers = std::all_of(words.begin(), words.end(),
                                       [](std::string_view word) { return whole_number(word).has_value(); });
      check(!numbers || words.size() < few_rows || form_.count < 3,
            "{}: column {} has numbers alone ('{}'): --text_column says which has the words", place,
            form_.text + 1, sample);
      const bool same = std::all_of(words.begin(), words.end(),
                                    [&](std::string_view word) { return word == words.front(); });
      check(!same || words.size() < many_rows || form_.count < 3,
            "{}: column {} has '{}' on every line: --text_column says which has the words", place,
            form_.text + 1, sample);
    }
    const bool odd = std::all_of(words.begin(), words.end(),
                                 [](std::string_view word) { return !find_odd_blank(word, true).empty(); });
    check(!odd, "{}: found the word '{}': {} in it parts no columns: expected spaces or tabs", place, sample,
          find_odd_blank(words.front(), true));
  }

  NerTags tags_;
  const NerColumns& columns_;
  const std::string& path_;
  NerColumnForm form_;
  std::vector<std::string> names_;  // of the columns, if a header gives them
  std::vector<Row> rows_;
};

}  // namespace

bool looks_like_tag(std::string_view tag) {
  const std::optional<TagParts> parts = split_tag(tag, TagLetters::any);
  return parts && (!parts->type.empty() || tag == "O" || tag == "o");
}

bool is_range_number(std::string_view number) {
  const size_t mark = number.find_first_of("-.");
  return mark != std::string_view::npos && whole_number(number.substr(0, mark)) &&
         whole_number(number.substr(mark + 1));
}

bool ends_sentence(std::string_view line) {
  line = trimmed(line);
  return line.empty() || is_document_mark(line.substr(0, line.find_first_of(" \t")));
}

bool NerColumnForm::is_comment(std::string_view line, std::span<const std::string_view> fields) const {
  if (!begins_like_comment(line)) return false;
  if (first_number || fields.size() != count) return true;
  if (!label) return false;
  const std::string_view tag = fields[*label];
  return !looks_like_tag(tag) && !tags.contains(tag);
}

NerLine NerColumnForm::read_line(int64_t number, std::string_view line, bool begins, Fields& fields) const {
  if (ends_sentence(line)) return NerLine::end;
  if (number == header_line) return NerLine::header;
  split_columns(line, separator, fields);
  if (begins && is_comment(line, fields)) return NerLine::comment;
  return first_number && is_range_number(fields.front()) ? NerLine::range : NerLine::word;
}

std::string NerColumnForm::description() const {
  std::string text = fmt::format("words from column {} of {}", this->text + 1, count);
  text += label ? fmt::format(", tags from column {}", *label + 1) : ", no tags";
  if (first_number) text += ", column 1 counts the words";
  if (header_line > 0) text += fmt::format(", line {} is a header", header_line);
  if (separator == Separator::tabs) text += ", tabs between columns";
  return text;
}

NerColumnForm find_ner_column_form(std::span<const NumberedLine> lines, NerTags tags,
                                   const NerColumns& columns, const std::string& path) {
  return FormFinder(lines, tags, columns, path).run();
}

}  // namespace gradus
