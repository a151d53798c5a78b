#include "core/io/checked_json.h"

#include <limits>

#include "core/error.h"
#include "core/io/file_kind.h"

namespace gradus {

constexpr size_t most_shown = 80;  // bytes of a value in a message

Json read_json(const std::filesystem::path& path, size_t most) {
  const std::string text = read_file(path, most);
  check_file_kind(text, path.string(), "JSON");
  return parse_json(text, path.string());
}

void JsonField::fail_expected(std::string_view expected) const {
  const std::string found = json_text(*value_, -1, JsonStrings::replaced);
  fail("{}: {} is {}{}, expected {}", where_, path_.empty() ? "the JSON" : fmt::format("'{}'", path_),
       found.substr(0, most_shown), found.size() > most_shown ? "..." : "", expected);
}

bool JsonField::boolean() const {
  check(value_->is_boolean(), "true or false");
  return value_->boolean();
}

int64_t JsonField::integer(int64_t least, int64_t most) const {
  const std::optional<int64_t> number = value_->whole();
  if (number && *number >= least && *number <= most) return *number;
  const bool any = least == std::numeric_limits<int64_t>::min();
  if (any || !value_->is_integer()) fail_expected("a whole number");
  if (most == std::numeric_limits<int64_t>::max())
    fail_expected(fmt::format("a whole number of {} or more", least));
  fail_expected(fmt::format("a whole number from {} to {}", least, most));
}

double JsonField::number() const {
  check(value_->is_number(), "a number");
  return value_->number();
}

double JsonField::number_or_nan() const {
  return value_->is_null() ? std::numeric_limits<double>::quiet_NaN() : number();
}

std::string JsonField::text() const {
  check(value_->is_string(), "a string");
  return value_->text();
}

std::vector<double> JsonField::numbers() const {
  std::vector<double> numbers;
  for (const JsonField& item : items()) numbers.push_back(item.number());
  return numbers;
}

std::vector<JsonField> JsonField::items() const {
  check(value_->is_array(), "a list");
  std::vector<JsonField> items;
  for (const Json& item : value_->items())
    items.emplace_back(item, where_, fmt::format("{}[{}]", path_, items.size()));
  return items;
}

std::vector<std::pair<std::string, JsonField>> JsonField::members() const {
  check(value_->is_object(), "an object");
  std::vector<std::pair<std::string, JsonField>> members;
  for (const auto& [name, value] : value_->members())
    members.emplace_back(name, JsonField(value, where_, member_path(name)));
  return members;
}

std::optional<JsonField> JsonField::find(std::string_view name) const {
  check(value_->is_object(), "an object");
  const Json* found = value_->find(name);
  if (found == nullptr) return std::nullopt;
  return JsonField(*found, where_, member_path(name));
}

JsonField JsonField::at(std::string_view name) const {
  if (const std::optional<JsonField> found = find(name)) return *found;
  fail("{}: '{}' is missing", where_, member_path(name));
}

std::string JsonField::member_path(std::string_view name) const {
  return path_.empty() ? std::string(name) : fmt::format("{}.{}", path_, name);
}

}  // namespace gradus
