#include "data/columns.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "core/ascii.h"
#include "core/error.h"
#include "data/unicode.h"

namespace gradus {

ColumnChoice::ColumnChoice(std::string option, std::string text)
    : option_(std::move(option)), text_(std::move(text)) {
  const char* end = text_.data() + text_.size();
  const auto [read, error] = std::from_chars(text_.data(), end, number_);
  if (error != std::errc() || read != end) number_ = 0;
  else
    check(number_ != 0,
          "{} 0: expected a number from 1, one from -1 for columns from the end, or a name of the header",
          option_);
}

size_t ColumnChoice::place(size_t count, const std::vector<std::string>& names,
                           const std::string& where) const {
  if (!is_name()) {
    const auto columns = static_cast<int64_t>(count);
    check(number_ >= -columns && number_ <= columns, "{}: {} columns, but {} {}", where, columns, option_,
          number_);
    return static_cast<size_t>(number_ > 0 ? number_ - 1 : columns + number_);
  }
  const auto is_it = [this](const std::string& name) { return same_column_name(name, text_); };
  const auto found = std::find_if(names.begin(), names.end(), is_it);
  check(found != names.end(), "{}: no column named '{}' ({}): the header has {}", where, text_, option_,
        shown_list(names));
  check(std::none_of(found + 1, names.end(), is_it), "{}: several columns named '{}' ({})", where, text_,
        option_);
  return static_cast<size_t>(found - names.begin());
}

bool same_column_name(std::string_view a, std::string_view b) { return same_ignoring_case(a, b); }

bool is_column_name(std::string_view field, std::span<const std::string_view> names) {
  return std::any_of(names.begin(), names.end(),
                     [&](std::string_view name) { return same_column_name(field, name); });
}

bool is_column_name(std::string_view field, std::initializer_list<std::string_view> names) {
  return is_column_name(field, std::span(names.begin(), names.size()));
}

void split_columns(std::string_view line, Separator separator, std::vector<std::string_view>& fields) {
  fields.clear();
  if (separator == Separator::tabs) {
    for (size_t begin = 0;;) {
      const size_t end = std::min(line.find('\t', begin), line.size());
      fields.push_back(line.substr(begin, end - begin));
      if (end == line.size()) return;
      begin = end + 1;
    }
  }
  constexpr std::string_view blanks = " \t";
  for (size_t begin = line.find_first_not_of(blanks); begin != std::string_view::npos;) {
    const size_t end = std::min(line.find_first_of(blanks, begin), line.size());
    fields.push_back(line.substr(begin, end - begin));
    begin = line.find_first_not_of(blanks, end);
  }
}

std::optional<int64_t> whole_number(std::string_view text) {
  const bool digits = !text.empty() && text.size() <= 18 &&
                      std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!digits) return std::nullopt;
  int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

}  // namespace gradus
