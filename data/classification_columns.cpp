#include "data/classification_columns.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "core/error.h"
#include "core/joined.h"
#include "data/classification_json.h"
#include "data/text_file.h"
#include "data/unicode.h"

namespace gradus {
namespace {

using Fields = std::vector<std::string_view>;
using Names = std::vector<std::string_view>;

constexpr size_t few_lines = 3;
constexpr std::string_view chooses = "--text_column, --text_pair_column and --label_column";

// The two texts of a pair, as the tables of GLUE, SNLI and CLUE call them, and those of one's own.
constexpr std::array<std::pair<std::string_view, std::string_view>, 9> pair_names{{{"text_a", "text_b"},
                                                                                   {"sentence1", "sentence2"},
                                                                                   {"question1", "question2"},
                                                                                   {"premise", "hypothesis"},
                                                                                   {"question", "sentence"},
                                                                                   {"question", "passage"},
                                                                                   {"#1 String", "#2 String"},
                                                                                   {"text1", "text2"},
                                                                                   {"keyword", "abst"}}};

const Names single_names{"text", "sentence", "text_a", "sentence1"};
const Names label_names{"label", "labels", "gold_label", "is_duplicate", "Quality"};

bool is_text_name(std::string_view field) {
  return is_column_name(field, single_names) ||
         std::any_of(pair_names.begin(), pair_names.end(), [&](const auto& pair) {
           return same_column_name(field, pair.first) || same_column_name(field, pair.second);
         });
}

template <typename Predicate>
bool any(const Fields& fields, const Predicate& predicate) {
  return std::any_of(fields.begin(), fields.end(), predicate);
}

// Where there are no tabs but commas, and these part nothing.
std::string csv_hint(const ClassificationForm& form, const TableRow& row) {
  return form.syntax == FormSyntax::tabs && row.cells.size() == 1 &&
                 row.text.find_first_of(",;") != std::string::npos
             ? "; tabs part columns here: --task_name csv is for tables with commas or semicolons between"
             : "";
}

// What is chosen; where nothing is, the usual columns, if the names have those of the texts.
ClassificationColumns with_usual(ClassificationColumns columns, const ClassificationForm& form,
                                 const Names& names) {
  const auto& [text, pair, label, labels] = columns.usual;
  const auto choice = [](const std::string& name) {
    return ColumnChoice("the column that the model was trained on,", name);
  };
  const auto is_there = [&](const std::string& name) {
    return choice(name).is_name() && is_column_name(name, names);
  };
  const bool is_chosen = columns.text.is_given() || columns.pair.is_given() || columns.label.is_given() ||
                         !columns.label_columns.empty();
  if (!form.is_own() || is_chosen || !is_there(text) || (!pair.empty() && !is_there(pair))) return columns;
  columns.text = choice(text);
  columns.pair = choice(pair);
  if (is_there(label)) columns.label = choice(label);
  if (std::ranges::all_of(labels, is_there))
    std::ranges::transform(labels, std::back_inserter(columns.label_columns), choice);
  return columns;
}

// Finds the roles of a header's columns or of an object's names; `has` says which in messages.
class NameFinder {
 public:
  NameFinder(std::vector<std::string> names, const ClassificationForm& form, ClassLabelUse use,
             const ClassificationColumns& columns, std::string where, std::string_view has)
      : form_(form), use_(use), columns_(columns), where_(std::move(where)), has_(has) {
    roles_.names = std::move(names);
  }

  ClassificationRoles run(const std::string& hint) {
    roles_.has_header = true;
    if (columns_.text.is_given()) {
      roles_.text = place(columns_.text);
      if (columns_.pair.is_given()) roles_.pair = place(columns_.pair);
    } else if (form_.is_own()) {
      find_texts();
    } else {
      const std::optional<size_t> text = find(form_.text);
      if (!text) missing(form_.text, hint);
      roles_.text = *text;
      roles_.pair = find(form_.pair);
      if (!roles_.pair && !form_.pair.empty()) missing(form_.pair, "");
    }
    if (!columns_.label_columns.empty()) {
      find_label_columns();
      return std::move(roles_);
    }
    const Names& labels = form_.is_own() ? label_names : form_.label;
    roles_.label = columns_.label.is_given() ? place(columns_.label) : find(labels);
    if (!roles_.label && use_ == ClassLabelUse::required)
      missing(form_.is_own() ? Names{"label"} : labels, "");
    return std::move(roles_);
  }

 private:
  size_t place(const ColumnChoice& choice) const {
    return choice.place(roles_.names.size(), roles_.names, where_);
  }

  // Of a file that needs no labels they may all be missing.
  void find_label_columns() {
    if (use_ == ClassLabelUse::ignored) return;
    const auto is_there = [&](const ColumnChoice& choice) {
      return !choice.is_name() || find({choice.text()});
    };
    if (use_ == ClassLabelUse::optional && std::ranges::none_of(columns_.label_columns, is_there)) return;
    for (const ColumnChoice& choice : columns_.label_columns) {
      roles_.labels.push_back(place(choice));
      const auto [column, before] = std::pair(roles_.labels.back(), roles_.labels.end() - 1);
      check(column != roles_.text && column != roles_.pair &&
                std::find(roles_.labels.begin(), before, column) == before,
            "{}: {} {}: the column is one of texts, or named twice", where_, choice.option(), choice.text());
    }
  }

  [[noreturn]] void missing(const Names& names, const std::string& hint) const {
    fail("{}: {}: expected one named {}{}", where_, found_names(), joined(names, " or "), hint);
  }

  std::string found_names() const { return fmt::format("{} {}", has_, shown_list(roles_.names)); }

  std::optional<size_t> find(const Names& names) const {
    std::optional<size_t> found;
    for (size_t i = 0; i < roles_.names.size(); ++i) {
      if (!is_column_name(roles_.names[i], names)) continue;
      check(!found, "{}: {}: expected one named {}, not several", where_, found_names(),
            joined(names, " or "));
      found = i;
    }
    return found;
  }

  // No text that is known by its name is left out.
  void find_texts() {
    std::vector<size_t> texts;
    for (size_t i = 0; i < roles_.names.size(); ++i) {
      if (is_text_name(roles_.names[i])) texts.push_back(i);
    }
    if (texts.empty()) missing(single_names, fmt::format("; {} name others", chooses));
    if (texts.size() == 1) {
      roles_.text = texts.front();
      return;
    }
    for (const auto& [first, second] : pair_names) {
      const std::optional<size_t> text = find({first}), pair = find({second});
      if (texts.size() != 2 || !text || !pair) continue;
      roles_.text = *text;
      roles_.pair = pair;
      return;
    }
    fail("{}: {}: expected one text, or two of a pair: {} say which", where_, found_names(), chooses);
  }

  const ClassificationForm& form_;
  ClassLabelUse use_;
  const ClassificationColumns& columns_;
  std::string where_;
  std::string_view has_;
  ClassificationRoles roles_;
};

class TableFinder {
 public:
  TableFinder(std::span<const TableRow> rows, const ClassificationForm& form, ClassLabelUse use,
              const ClassificationColumns& columns, const std::string& path)
      : rows_(rows),
        form_(form),
        use_(use),
        columns_(columns),
        where_(fmt::format("{}:{}", path, rows.front().line)),
        first_(rows.front().cells.begin(), rows.front().cells.end()) {}

  ClassificationRoles run() {
    Fields trimmed_first;
    for (const std::string_view field : first_) trimmed_first.push_back(trimmed(field));
    columns_ = with_usual(std::move(columns_), form_, trimmed_first);
    if (is_header(trimmed_first)) {
      const std::string hint =
          fmt::format(", as files of {} have; a table without a header is of the form tsv", form_.name);
      return NameFinder({trimmed_first.begin(), trimmed_first.end()}, form_, use_, columns_, where_,
                        "the header has the columns")
          .run(hint + csv_hint(form_, rows_.front()));
    }
    check_no_name(trimmed_first);
    if (columns_.text.is_given() || columns_.label.is_given()) return chosen();
    return form_.is_own() ? counted() : named_by_form();
  }

 private:
  bool is_header(const Fields& fields) const {
    if (columns_.text.is_name() || columns_.pair.is_name() || columns_.label.is_name() ||
        !columns_.label_columns.empty())
      return true;
    if (!form_.without_header.empty())
      return any(fields, [&](auto f) { return is_column_name(f, form_.text); });
    if (!form_.is_own()) return true;
    const bool all_known = !any(fields, [](auto f) {
      return !is_text_name(f) && !is_column_name(f, {"index", "id"});
    });
    const bool has_text = any(fields, is_text_name);
    const bool has_label = any(fields, [](auto f) { return is_column_name(f, label_names); });
    // "question" alone may be a label as well.
    const bool is_plain = any(fields, [](auto f) { return is_column_name(f, single_names); });
    return has_text && (has_label || (all_known && (is_plain || fields.size() > 1)));
  }

  // A header with names of which only some are known is not to become a text with a label.
  void check_no_name(const Fields& fields) const {
    if (!form_.is_own() || fields.size() < 2 || columns_.text.is_given()) return;
    const bool some =
        any(fields, [](auto f) { return is_column_name(f, single_names) || same_column_name(f, "label"); });
    check(!some,
          "{}: found {}: expected a header with one column named {} and one named label, or a first line "
          "that has "
          "none of these names; {} name others",
          where_, shown_list(fields), joined(single_names, " or "), chooses);
  }

  // By numbers alone.
  ClassificationRoles chosen() const {
    ClassificationRoles roles;
    roles.names.resize(first_.size());
    const auto place = [&](const ColumnChoice& choice) { return choice.place(first_.size(), {}, where_); };
    const bool last_is_label = !columns_.label.is_given() && first_.size() > 1;
    if (columns_.label.is_given()) roles.label = place(columns_.label);
    else if (last_is_label) roles.label = first_.size() - 1;
    roles.text = columns_.text.is_given() ? place(columns_.text) : roles.label == size_t{0} ? 1 : 0;
    if (columns_.pair.is_given()) roles.pair = place(columns_.pair);
    const bool taken = roles.label == roles.text || roles.label == roles.pair;
    if (taken && last_is_label && use_ != ClassLabelUse::required) roles.label.reset();
    check(
        roles.text < first_.size() && roles.label != roles.text && (!roles.pair || roles.label != roles.pair),
        "{}: {} columns, and one for two things: {} say which has what", where_, first_.size(), chooses);
    check(roles.label || use_ != ClassLabelUse::required, "{}: no column is left for the labels", where_);
    return roles;
  }

  // As the form says of files without a header.
  ClassificationRoles named_by_form() const {
    const auto place = [&](const Names& names) -> std::optional<size_t> {
      const auto is_it = [&](auto column) { return is_column_name(column, names); };
      const auto found = std::ranges::find_if(form_.without_header, is_it);
      if (found == form_.without_header.end()) return {};
      return static_cast<size_t>(found - form_.without_header.begin());
    };
    return {{form_.without_header.begin(), form_.without_header.end()},
            false,
            place(form_.text).value(),
            place(form_.pair),
            place(form_.label),
            {}};
  }

  ClassificationRoles counted() const {
    const bool indexed = counts_lines(0);
    const size_t count = first_.size() - (indexed && first_.size() > 1 ? 1 : 0);
    const bool optional = use_ != ClassLabelUse::required;
    ClassificationRoles roles;
    if (count == 1 && optional) roles = {{"text"}, false, 0, {}, {}, {}};
    else if (count == 2) roles = {{"text", "label"}, false, 0, {}, 1, {}};
    else if (count == 3) roles = {{"text_a", "text_b", "label"}, false, 0, 1, 2, {}};
    else
      fail(
          "{}: found {} columns: expected text, label or text_a, text_b, label, or a header with such "
          "names{}",
          where_, first_.size(), syntax_hint());
    check(first_.size() < 2 || !counts_lines(first_.size() - 1),
          "{}: the last of {} columns counts the lines: expected labels there; {} say which has what", where_,
          first_.size(), chooses);
    if (indexed && first_.size() > 1) {
      roles.names.insert(roles.names.begin(), "index");
      ++roles.text;
      if (roles.pair) ++*roles.pair;
      if (roles.label) ++*roles.label;
    }
    check(!roles.pair || !has_numbers_alone(roles.text),
          "{}: column {} has numbers alone: expected texts; {} say which has what", where_, roles.text + 1,
          chooses);
    return roles;
  }

  // What the file may be in place of a table.
  std::string syntax_hint() const {
    if (begins_json(rows_.front().text)) return "; JSON is read as an object a line";
    const std::string hint = csv_hint(form_, rows_.front());
    return hint.empty() && first_.size() > 1 ? fmt::format("; {} say which has what", chooses) : hint;
  }

  template <typename Predicate>
  bool all_of_column(size_t column, size_t least, const Predicate& predicate) const {
    size_t seen = 0;
    for (const TableRow& row : rows_) {
      if (row.cells.size() != first_.size()) continue;
      if (!predicate(whole_number(row.cells[column]))) return false;
      ++seen;
    }
    return seen >= least;
  }

  bool counts_lines(size_t column) const {
    std::optional<int64_t> last;
    return all_of_column(column, 2, [&](std::optional<int64_t> number) {
      const bool goes_on = number && (!last || *number == *last + 1);
      last = number;
      return goes_on;
    });
  }

  bool has_numbers_alone(size_t column) const {
    return all_of_column(column, few_lines, [](std::optional<int64_t> number) { return number.has_value(); });
  }

  std::span<const TableRow> rows_;
  const ClassificationForm& form_;
  ClassLabelUse use_;
  ClassificationColumns columns_;
  std::string where_;
  Fields first_;
};

}  // namespace

ClassificationColumnNames ClassificationRoles::column_names() const {
  if (!has_header) return {};
  const auto name = [this](std::optional<size_t> place) { return place ? names[*place] : ""; };
  ClassificationColumnNames found{name(text), name(pair), name(label)};
  for (const size_t place : labels) found.labels.push_back(names[place]);
  return found;
}

std::string ClassificationRoles::description(ClassLabelUse use) const {
  const auto column = [this](size_t place) {
    return fmt::format("column {}{}", place + 1,
                       has_header ? fmt::format(" ({})", shown(names[place], 60)) : "");
  };
  std::string result = "texts from " + column(text);
  if (pair) result += ", second texts from " + column(*pair);
  if (!labels.empty()) {
    std::vector<std::string> of_labels;
    for (const size_t place : labels) of_labels.push_back(column(place));
    result += fmt::format(", labels from {}", joined(of_labels, ", "));
  } else if (!label) result += ", no labels";
  else if (use == ClassLabelUse::ignored)
    result += fmt::format(", the labels in {} left alone", column(*label));
  else result += ", labels from " + column(*label);
  std::vector<std::string> unused;
  for (size_t i = 0; i < names.size(); ++i) {
    if (i != text && i != pair && i != label && std::ranges::find(labels, i) == labels.end())
      unused.push_back(names[i].empty() ? std::to_string(i + 1) : names[i]);
  }
  if (!unused.empty()) result += "; not used: " + shown_list(unused);
  return result;
}

ClassificationRoles roles_of_object(std::vector<std::string> names, const ClassificationForm& form,
                                    ClassLabelUse use, const ClassificationColumns& columns,
                                    const std::string& where) {
  const std::string hint = form.is_own() ? "" : fmt::format(", as files of {} have", form.name);
  const ClassificationColumns chosen = with_usual(columns, form, {names.begin(), names.end()});
  return NameFinder(std::move(names), form, use, chosen, where, "the object has the names").run(hint);
}

ClassificationRoles roles_of_table(std::span<const TableRow> rows, const ClassificationForm& form,
                                   ClassLabelUse use, const ClassificationColumns& columns,
                                   const std::string& path) {
  return TableFinder(rows, form, use, columns, path).run();
}

}  // namespace gradus
