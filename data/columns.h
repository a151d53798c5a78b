// Lines of columns: what parts them, and which of them is meant.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gradus {

// A line of a file, kept while it is found out what its columns are.
struct NumberedLine {
  int64_t number;  // from 1
  std::string text;
};

// A column as a user names it: a number from 1, or from -1 backwards at the end; or a name of the header.
class ColumnChoice {
 public:
  ColumnChoice() = default;  // none
  // `option` is what it is given with, for messages; an empty text is none. Throws Error on column 0.
  ColumnChoice(std::string option, std::string text);

  bool is_given() const { return !text_.empty(); }
  bool is_name() const { return is_given() && number_ == 0; }
  const std::string& option() const { return option_; }
  const std::string& text() const { return text_; }
  // The column's place, from 0, among `count`, of which a header gives the names; without one they are empty. Throws
  // Error "<where>: ..." when there is no such column, or several of the name.
  size_t place(size_t count, const std::vector<std::string>& names, const std::string& where) const;

 private:
  std::string option_, text_;
  int64_t number_ = 0;  // 0: a name
};

// Whether a header means the same by both: capitals don't count.
bool same_column_name(std::string_view a, std::string_view b);
// Whether it means one of the names.
bool is_column_name(std::string_view field, std::span<const std::string_view> names);
bool is_column_name(std::string_view field, std::initializer_list<std::string_view> names);

enum class Separator : uint8_t {
  blanks,  // runs of spaces and tabs; those at the ends part nothing
  tabs     // every tab
};

// Puts the columns of a line at `fields`, as views of it.
void split_columns(std::string_view line, Separator separator, std::vector<std::string_view>& fields);

// The number, when the text is one without a sign, of at most 18 digits.
std::optional<int64_t> whole_number(std::string_view text);

}  // namespace gradus
