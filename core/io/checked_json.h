// JSON files nobody vouches for, and reading from them what a program expects.
#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/io/files.h"
#include "core/io/json.h"

namespace gradus {

// The value that a regular file holds. Throws Error as parse_json() and read_file() do, and when the file is of another
// kind by its first bytes (core/io/file_kind.h).
Json read_json(const std::filesystem::path& path, size_t most = most_file_bytes);

// A value in a JSON text and its place there, for reading what a program expects. Every member throws Error
// "<where>: 'a.b[3]' is 7, expected true or false" when it finds something else, and "<where>: 'a.b' is missing".
class JsonField {
 public:
  // `value` has to live as long as this object and those made of it. `path`: its place in the file, if not the whole.
  JsonField(const Json& value, std::string where, std::string path = "")
      : value_(&value), where_(std::move(where)), path_(std::move(path)) {}

  bool boolean() const;
  int64_t integer(int64_t least = std::numeric_limits<int64_t>::min(),
                  int64_t most = std::numeric_limits<int64_t>::max()) const;
  double number() const;
  // The same where null stands for what is infinite or not a number: NaN.
  double number_or_nan() const;
  std::string text() const;
  std::vector<double> numbers() const;
  std::vector<JsonField> items() const;                            // of a list
  std::vector<std::pair<std::string, JsonField>> members() const;  // of an object
  JsonField at(std::string_view name) const;                       // member of an object
  std::optional<JsonField> find(std::string_view name) const;  // nothing when the object has no such member

  [[noreturn]] void fail_expected(std::string_view expected) const;
  void check(bool good, std::string_view expected) const {
    if (!good) fail_expected(expected);
  }
  const Json& value() const { return *value_; }

 private:
  std::string member_path(std::string_view name) const;

  const Json* value_;
  std::string where_, path_;
};

}  // namespace gradus
