#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <filesystem>

#include "core/ascii.h"
#include "core/error.h"
#include "core/joined.h"
#include "tasks/options/options.h"

namespace gradus {
namespace {

// Parses all of `text` into `value`. What is wrong when it isn't such a number, or is out of the type's range.
template <typename T>
std::errc parse_number(const std::string& text, T& value) {
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value);
  return result.ptr == end ? result.ec : std::errc::invalid_argument;
}

// A whole number as other systems write it, whose counts may be fractions: "3.0" is 3.
std::string without_zeros(const std::string& text) {
  const size_t point = text.find('.');
  const bool is_whole = point != std::string::npos && point > 0 && point + 1 < text.size() &&
                        text.find_first_not_of('0', point + 1) == std::string::npos;
  return is_whole ? text.substr(0, point) : text;
}

// Numbers are computed with as float32, which has none beyond some size, and none but 0 below another.
bool fits_float32(double value) {
  constexpr double largest = std::numeric_limits<float>::max(), least = std::numeric_limits<float>::min();
  return value == 0 || (std::abs(value) >= least && std::abs(value) <= largest);
}

}  // namespace

Option::Option(std::string name, Field field, std::string help, std::string group)
    : names_{std::move(name)}, field_(field), help_(std::move(help)), group_(std::move(group)) {
  default_ = value();
}

Option& Option::alias(std::string name) {
  names_.push_back(std::move(name));
  return *this;
}

Option& Option::at_least(double minimum) {
  minimum_ = minimum;
  return *this;
}

Option& Option::between(double minimum, double maximum) {
  minimum_ = minimum;
  maximum_ = maximum;
  return *this;
}

Option& Option::choices(std::vector<Choice> choices) {
  choices_ = std::move(choices);
  return *this;
}

Option& Option::also_true(std::string word) {
  also_true_ = std::move(word);
  return *this;
}

Option& Option::add_up() {
  adds_up_ = true;
  return *this;
}

Option& Option::leave(std::string value, std::string reason) {
  left_.emplace_back(std::move(value), std::move(reason));
  return *this;
}

Option& Option::refuse(std::string value, std::string reason) {
  refused_.emplace_back(std::move(value), std::move(reason));
  return *this;
}

Option& Option::names_what(const char* placeholder, PageOption::Value value) {
  placeholder_ = placeholder;
  value_ = value;
  return *this;
}

Option& Option::advise(std::string advice) {
  advice_ = std::move(advice);
  return *this;
}

int64_t parse_bytes(std::string_view text, std::string_view where) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  std::string_view unit = text.substr(static_cast<size_t>(end - text.data()));
  int shift = 0;
  if (!unit.empty()) {
    constexpr std::string_view units = "KMGT";
    const size_t place = units.find(static_cast<char>(std::toupper(static_cast<unsigned char>(unit[0]))));
    if (place != std::string_view::npos) {
      shift = 10 * (static_cast<int>(place) + 1);
      unit.remove_prefix(1);
      if (unit.starts_with('i')) unit.remove_prefix(1);
    }
    if (unit == "B") unit = {};
  }
  check(error == std::errc() && unit.empty() && number >= 0 &&
            number <= std::numeric_limits<int64_t>::max() >> shift,
        "{} '{}': expected a number of bytes, 1000000 or 500M or 4G", where, text);
  return number << shift;
}

std::vector<std::string> comma_parts(const std::string& list) {
  std::vector<std::string> parts;
  if (list.empty()) return parts;
  parts.emplace_back();
  size_t backslashes = 0;  // right before
  for (const char c : list) {
    std::string& part = parts.back();
    if (c != ',') {
      part += c;
      backslashes = c == '\\' ? backslashes + 1 : 0;
      continue;
    }
    part.resize(part.size() - (backslashes + 1) / 2);
    if (backslashes % 2 == 1) part += ',';
    else parts.emplace_back();
    backslashes = 0;
  }
  return parts;
}

std::string comma_list(const std::vector<std::string>& parts) {
  std::string list;
  // Before a comma: as many backslashes again as are there.
  const auto double_backslashes = [&list] {
    const size_t other = list.find_last_not_of('\\');
    list.append(list.size() - (other == std::string::npos ? 0 : other + 1), '\\');
  };
  for (size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) {
      double_backslashes();
      list += ',';
    }
    for (const char c : parts[i]) {
      if (c == ',') {
        double_backslashes();
        list += '\\';
      }
      list += c;
    }
  }
  return list;
}

std::vector<std::string> comma_paths(const std::string& list) {
  std::error_code error;
  if (std::filesystem::exists(list, error)) return {list};
  return comma_parts(list);
}

std::optional<bool> parse_switch(std::string_view text) {
  if (text == "1" || same_ignoring_case(text, "true")) return true;
  if (text == "0" || same_ignoring_case(text, "false")) return false;
  return std::nullopt;
}

bool Option::leaves(const std::string& text, const std::string& where) {
  for (const auto& [value, reason] : left_) {
    if (!same_ignoring_case(text, value)) continue;
    origin_ = fmt::format("default; {}: found '{}': {}", where, text, reason);
    return true;
  }
  return false;
}

void Option::set(const std::string& text, const std::string& where, const std::string& origin) {
  const auto require = [&](bool good) {
    check(good, "{}: found '{}', expected {}{}{}", where, text, expectation(), advice_.empty() ? "" : ": ",
          advice_);
  };
  const auto in_range = [&](double number) { return number >= minimum_ && number <= maximum_; };
  if (bool** flag = std::get_if<bool*>(&field_)) {
    const std::optional<bool> parsed = as_switch(text);
    require(parsed.has_value());
    **flag = *parsed;
  } else if (int64_t** whole = std::get_if<int64_t*>(&field_)) {
    int64_t parsed = 0;
    require(parse_number(without_zeros(text), parsed) == std::errc() &&
            in_range(static_cast<double>(parsed)));
    **whole = parsed;
  } else if (double** number = std::get_if<double*>(&field_)) {
    double parsed = 0;
    const std::errc problem = parse_number(text, parsed);
    const bool is_out_of_range = problem == std::errc::result_out_of_range;
    require(is_out_of_range || (problem == std::errc() && std::isfinite(parsed) && in_range(parsed)));
    check(!is_out_of_range && fits_float32(parsed),
          "{}: found '{}', expected {}, that float32 can hold: 0, or of a size from {} to {}", where, text,
          expectation(), std::numeric_limits<float>::min(), std::numeric_limits<float>::max());
    **number = parsed;
  } else {
    for (const auto& [value, reason] : left_) {
      check(!same_ignoring_case(text, value), "{}: found '{}': {}, expected {}", where, text, reason,
            expectation());
    }
    for (const auto& [value, reason] : refused_) {
      check(!same_ignoring_case(text, value), "{}: found '{}': {}", where, text, reason);
    }
    const std::string* allowed = choices_.empty() ? &text : nullptr;
    for (const Choice& choice : choices_) {
      const auto matches = [&](const std::string& spelling) { return same_ignoring_case(text, spelling); };
      if (matches(choice.value) || std::any_of(choice.also.begin(), choice.also.end(), matches)) {
        allowed = &choice.value;
      }
    }
    require(allowed != nullptr);
    *std::get<std::string*>(field_) = *allowed;
  }
  origin_ = origin;
}

std::optional<bool> Option::as_switch(std::string_view word) const {
  if (!also_true_.empty() && same_ignoring_case(word, also_true_)) return true;
  return parse_switch(word);
}

std::string Option::value() const {
  if (bool* const* flag = std::get_if<bool*>(&field_)) return **flag ? "true" : "false";
  if (int64_t* const* whole = std::get_if<int64_t*>(&field_)) return fmt::format("{}", **whole);
  if (double* const* number = std::get_if<double*>(&field_)) return fmt::format("{:.12g}", **number);
  return *std::get<std::string*>(field_);
}

std::string Option::placeholder() const {
  if (std::holds_alternative<bool*>(field_))
    return also_true_.empty() ? "[true|false]" : fmt::format("[true|false|{}]", also_true_);
  if (std::holds_alternative<int64_t*>(field_)) return "N";
  if (std::holds_alternative<double*>(field_)) return "X";
  return choices_.empty() ? placeholder_ : "NAME";
}

std::string Option::expectation() const {
  if (std::holds_alternative<bool*>(field_))
    return also_true_.empty() ? "true, false, 1 or 0" : fmt::format("{}, true, false, 1 or 0", also_true_);
  if (std::holds_alternative<std::string*>(field_)) {
    std::vector<std::string> values;
    for (const Choice& choice : choices_) values.push_back(choice.value);
    return fmt::format("one of {}", joined(values, ", "));
  }
  std::string text = std::holds_alternative<int64_t*>(field_) ? "a whole number" : "a number";
  if (std::isfinite(maximum_)) return fmt::format("{} from {} to {}", text, minimum_, maximum_);
  if (std::isfinite(minimum_)) return fmt::format("{}, at least {}", text, minimum_);
  return text;
}

PageOption Option::page_option() const {
  PageOption option{
      {}, is_switch() ? PageOption::Value::optional : value_, placeholder(), {}, description(), group_};
  for (const std::string& name : names_) option.names.push_back("--" + name);
  if (is_switch()) option.values = {"true", "false"};
  if (!also_true_.empty()) option.values.push_back(also_true_);
  for (const Choice& choice : choices_) option.values.push_back(choice.value);
  return option;
}

std::string Option::description() const {
  std::string text = help_;
  if (!choices_.empty()) text += "; " + expectation();
  return fmt::format("{} (default: {})", text, default_.empty() ? "none" : default_);
}

}  // namespace gradus
