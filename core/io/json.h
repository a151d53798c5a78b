// A JSON value, its text, and reading it from text nobody vouches for. The library that does the work (nlohmann's) is
// seen by json.cpp alone: a source that includes its header takes two to three times as long to compile.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace gradus {

// null, true or false, a number, a string, a list, or an object, whose members keep the order they were added in.
// What is asked of a value of another kind throws Error "a JSON number, expected a list".
class Json {
 public:
  struct Member;  // [name, value]

  Json();  // null
  Json(const Json& other);
  Json(Json&& other) noexcept;
  Json& operator=(const Json& other);
  Json& operator=(Json&& other) noexcept;
  ~Json();

  Json(std::nullptr_t);
  Json(std::same_as<bool> auto value) : Json(Truth{value}) {}
  Json(std::signed_integral auto value) : Json(Signed{value}) {}
  Json(std::unsigned_integral auto value) requires(!std::same_as<decltype(value), bool>)
      : Json(Unsigned{value}) {}
  Json(double value);
  Json(const char* value);
  Json(std::string_view value);
  Json(std::string value);
  // An object: {{"type", "PER"}, {"begin", 3}}. Of a name that occurs twice the last one counts. Braces around one
  // value are nothing: {3} is 3.
  Json(std::initializer_list<std::pair<std::string_view, Json>> members);
  template <typename T>
  Json(const std::vector<T>& items) : Json(array()) {
    for (const auto& item : items) push_back(Json(item));
  }
  template <typename T>
  Json(const std::map<std::string, T>& members) : Json(object()) {
    for (const auto& [name, value] : members) (*this)[name] = Json(value);
  }
  static Json array(std::initializer_list<Json> items = {});
  static Json object();

  bool is_null() const;
  bool is_boolean() const;
  bool is_number() const;
  bool is_integer() const;       // written without point and exponent
  bool is_past_integer() const;  // of these one past 2^63 - 1
  bool is_string() const;
  bool is_array() const;
  bool is_object() const;
  // "null", "boolean", "number", "string", "array", "object"
  const char* type_name() const;

  bool boolean() const;
  int64_t integer() const;               // throws Error also for one past 2^63 - 1
  std::optional<int64_t> whole() const;  // the same; nothing where it would throw
  double number() const;
  const std::string& text() const;
  // The value as a bool, a number that has to fit into T, a string, or a vector of these.
  template <typename T>
  T get() const;

  // Of a list or an object; 0 for null.
  size_t size() const;
  bool empty() const { return size() == 0; }

  const std::vector<Json>& items() const;  // of a list, or none of null
  const Json& at(size_t index) const;      // throws Error past the end
  Json& at(size_t index) { return const_cast<Json&>(std::as_const(*this).at(index)); }
  const Json& operator[](size_t index) const { return at(index); }
  Json& operator[](size_t index) { return at(index); }
  const Json& back() const { return at(size() - 1); }
  Json& push_back(Json item);  // null becomes a list; returns the new item
  void pop_back();

  const std::vector<Member>& members() const;     // of an object, or none of null
  const Json* find(std::string_view name) const;  // null when the object has no such member
  Json* find(std::string_view name) { return const_cast<Json*>(std::as_const(*this).find(name)); }
  bool contains(std::string_view name) const;   // whether this is an object with such a member
  const Json& at(std::string_view name) const;  // throws Error when there is none
  Json& at(std::string_view name) { return const_cast<Json&>(std::as_const(*this).at(name)); }
  const Json& operator[](std::string_view name) const { return at(name); }
  Json& operator[](std::string_view name);  // added as null when new; null becomes an object
  Json* add(std::string name, Json value);  // the new member; null, and no change, when the name is there
  void update(const Json& other);           // takes over the members of another object
  bool erase(std::string_view name);        // whether it was there

  // Members may be in another order, and 1 is 1.0.
  friend bool operator==(const Json& a, const Json& b) { return a.equals(b); }

 private:
  // Names are looked up in a time that grows with the logarithm of their number.
  struct Object {
    std::vector<Member> members;
    std::map<std::string, size_t, std::less<>> places;
  };
  using Value =
      std::variant<std::nullptr_t, bool, int64_t, uint64_t, double, std::string, std::vector<Json>, Object>;

  struct Truth {
    bool value;
  };
  struct Signed {
    int64_t value;
  };
  struct Unsigned {
    uint64_t value;
  };
  explicit Json(Truth truth);
  explicit Json(Signed number);
  explicit Json(Unsigned number);
  explicit Json(Value value);
  // Puts the members of all objects in the order of their names' bytes.
  void sort_names();
  friend Json sorted(Json value);
  uint64_t natural() const;
  bool equals(const Json& other) const;
  [[noreturn]] void fail_expected(const char* expected) const;
  template <typename T>
  const T& as(const char* expected) const;
  template <typename T>
  T& become(const char* expected);

  Value value_;
};

struct Json::Member {
  std::string name;
  Json value;
};

template <typename T>
T Json::get() const {
  if constexpr (std::same_as<T, bool>) return boolean();
  else if constexpr (std::same_as<T, std::string>) return text();
  else if constexpr (std::floating_point<T>) return static_cast<T>(number());
  else if constexpr (std::same_as<T, int64_t>) return integer();
  else if constexpr (std::same_as<T, uint64_t>) return natural();
  else if constexpr (std::integral<T>) {
    const int64_t value = integer();
    if (!std::in_range<T>(value)) fail_expected("a number that is in range");
    return static_cast<T>(value);
  } else {
    T values;
    for (const Json& item : items()) values.push_back(item.get<typename T::value_type>());
    return values;
  }
}

// The value with the members of all its objects in the order of their names' bytes.
Json sorted(Json value);

// The member of an object, null where there is none and for a value of another kind. It lives as long as the object.
const Json& value_of(const Json& object, std::string_view name);

// Parses one JSON value that takes all of `text`, in time in proportion to its length, but for a logarithm. `where`
// stands for the file in error texts. Throws Error for invalid JSON or UTF-8, a name that occurs twice in one object,
// and nesting deeper than 64.
Json parse_json(std::string_view text, std::string_view where);

// Bytes of text, all of it kept, between two objects that are taken out.
constexpr uint64_t most_between_objects = uint64_t{256} << 20;

// Parses a value that need not fit into memory. `next_piece` gives the text piece by piece, and an empty one at its
// end. `take` is called with every object at its end; path[d] is the name by which the value at depth d is a member
// of an object, empty in a list, the whole value being at depth 0 and the object at path.size() - 1. An object for
// which `take` returns true is not kept in the result. Throws Error also when `most` bytes have none.
Json parse_json(const std::function<std::string_view()>& next_piece, std::string_view where,
                const std::function<bool(std::span<const std::string> path, Json& object)>& take,
                uint64_t most = most_between_objects);

// What becomes of strings in a text.
enum class JsonStrings {
  checked,   // as they are; throws Error for one that is not UTF-8
  replaced,  // U+FFFD in the place of bytes that are none
  ascii      // checked; other characters than ASCII's as \u escapes
};
// The text of a value, in one line, or with line breaks and so many blanks a level.
std::string json_text(const Json& value, int indent = -1, JsonStrings strings = JsonStrings::checked);

}  // namespace gradus
