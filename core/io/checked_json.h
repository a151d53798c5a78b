// JSON from files nobody vouches for.
#pragma once

#include <nlohmann/json.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/io/files.h"

namespace gradus {

// Parses one JSON value that takes all of `text`, in time in proportion to its length. `where` stands for the file in
// error texts. Throws Error for invalid JSON or UTF-8, a name that occurs twice in one object, and nesting deeper than
// 64.
nlohmann::json parse_json(std::string_view text, std::string_view where);
// The same, with the names of an object in the text's order.
nlohmann::ordered_json parse_ordered_json(std::string_view text, std::string_view where);
// The same from a regular file. Throws Error also as read_file() does, and when the file is of another kind by its
// first bytes (core/io/file_kind.h).
nlohmann::json read_json(const std::filesystem::path& path, size_t most = most_file_bytes);
nlohmann::ordered_json read_ordered_json(const std::filesystem::path& path, size_t most = most_file_bytes);

// Bytes of text, all of it kept, between two objects that are taken out.
constexpr uint64_t most_between_objects = uint64_t{256} << 20;

// Parses a value that need not fit into memory. `next_piece` gives the text piece by piece, and an empty one at its
// end. `take` is called with every object at its end; path[d] is the name by which the value at depth d is a member
// of an object, empty in a list, the whole value being at depth 0 and the object at path.size() - 1. An object for
// which `take` returns true is not kept in the result. Throws Error also when `most` bytes have none.
nlohmann::json parse_json(
    const std::function<std::string_view()>& next_piece, std::string_view where,
    const std::function<bool(std::span<const std::string> path, nlohmann::json& object)>& take,
    uint64_t most = most_between_objects);

// A value in a JSON text and its place there, for reading what a program expects. Every member throws Error
// "<where>: 'a.b[3]' is 7, expected true or false" when it finds something else, and "<where>: 'a.b' is missing".
template <class Json>
class JsonField {
 public:
  // `value` has to live as long as this object and those made of it. `path`: its place in the file, if not the whole.
  JsonField(const Json& value, std::string where, std::string path = "")
      : value_(&value), where_(std::move(where)), path_(std::move(path)) {}

  bool boolean() const;
  int64_t integer(int64_t least = std::numeric_limits<int64_t>::min(),
                  int64_t most = std::numeric_limits<int64_t>::max()) const;
  double number() const;
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

extern template class JsonField<nlohmann::json>;
extern template class JsonField<nlohmann::ordered_json>;

}  // namespace gradus
