#include "core/io/json.h"

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>

#include "core/error.h"

namespace gradus {

namespace {

constexpr size_t max_depth = 64;
constexpr size_t max_message = 300;  // the parser's messages quote what it read, however long

using Written = nlohmann::ordered_json;  // the library's own value, made to be printed

// The library's messages begin with a code: "[json.exception.parse_error.101] parse error at ..."
std::string_view without_code(std::string_view message) {
  const size_t end = message.find("] ");
  return message.substr(end == std::string_view::npos ? 0 : end + 2, max_message);
}

[[noreturn]] void fail_parsing(std::string_view where, std::string_view message) {
  fail("{}: invalid JSON: {}", where, without_code(message));
}

// Takes what the parser reads, checks it and builds the value.
class Builder {
 public:
  using Take = std::function<bool(std::span<const std::string>, Json&)>;

  Builder(std::string_view where, Take take) : where_(where), take_(std::move(take)) {}

  Json finish() { return std::move(root_); }

  // What the parser calls.
  bool null() { return put(nullptr); }
  bool boolean(bool value) { return put(value); }
  bool number_integer(int64_t value) { return put(value); }
  bool number_unsigned(uint64_t value) { return put(value); }
  bool number_float(double value, const std::string&) { return put(value); }
  bool string(std::string& value) { return put(std::move(value)); }
  bool binary(Written::binary_t&) { return false; }  // no JSON text has any
  bool start_object(size_t) { return open(Json::object()); }
  bool start_array(size_t) { return open(Json::array()); }
  bool key(std::string& name) {
    check_depth();
    const bool is_new = !open_.back().value->contains(name) && !open_.back().removed.contains(name);
    check(is_new, "{}: the name '{}' occurs twice in one JSON object", where_, name);
    name_ = std::move(name);
    return true;
  }
  bool end_object() {
    Json& object = *open_.back().value;
    open_.pop_back();
    if (take_ && take_(path_, object)) remove_last();
    path_.pop_back();
    return true;
  }
  bool end_array() {
    open_.pop_back();
    path_.pop_back();
    return true;
  }
  bool parse_error(size_t, const std::string&, const nlohmann::detail::exception& error) {
    fail_parsing(where_, error.what());
  }

 private:
  struct Open {
    Json* value;
    std::set<std::string> removed;  // names of members that were taken out
  };

  void check_depth() const {
    check(open_.size() < max_depth, "{}: JSON nested deeper than {}", where_, max_depth);
  }

  bool in_object() const { return !open_.empty() && open_.back().value->is_object(); }

  // A place is the value's until the list or object it is in gets its next one.
  Json& place_of(Json value) {
    check_depth();
    if (open_.empty()) return root_ = std::move(value);
    Json& parent = *open_.back().value;
    if (parent.is_object()) {
      return *parent.add(name_, std::move(value));  // key() has looked that it is new
    }
    return parent.push_back(std::move(value));
  }
  bool put(Json value) {
    place_of(std::move(value));
    return true;
  }
  bool open(Json value) {
    path_.push_back(in_object() ? name_ : std::string());
    open_.push_back({&place_of(std::move(value)), {}});
    return true;
  }
  // Removes the object that has ended last.
  void remove_last() {
    if (open_.empty()) {
      root_ = nullptr;
    } else if (in_object()) {
      open_.back().value->erase(path_.back());
      open_.back().removed.insert(path_.back());
    } else {
      open_.back().value->pop_back();
    }
  }

  std::string_view where_;
  Take take_;
  Json root_;
  std::vector<Open> open_;
  std::vector<std::string> path_;  // the names of open_
  std::string name_;               // of the member whose value comes next
};

template <class Iterator>
Json parse(Iterator begin, Iterator end, std::string_view where, Builder::Take take = {}) try {
  Builder builder(where, std::move(take));
  Written::sax_parse(begin, end, &builder);
  return builder.finish();
} catch (const nlohmann::json::exception& error) {  // of numbers that no type can hold
  fail_parsing(where, error.what());
}

// The characters of pieces, one after the other.
class Pieces {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  Pieces() = default;  // the end
  explicit Pieces(const std::function<std::string_view()>& next) : next_(&next), piece_(next()) {}

  reference operator*() const { return piece_.front(); }
  Pieces& operator++() {
    piece_.remove_prefix(1);
    if (piece_.empty()) piece_ = (*next_)();
    return *this;
  }
  void operator++(int) { ++*this; }
  // Only comparing with the end means anything.
  bool operator==(const Pieces& other) const { return piece_.empty() && other.piece_.empty(); }

 private:
  const std::function<std::string_view()>* next_ = nullptr;
  std::string_view piece_;
};

Written written(const Json& value) {
  if (value.is_null()) return nullptr;
  if (value.is_boolean()) return value.boolean();
  if (value.is_string()) return value.text();
  if (value.is_array()) {
    Written list = Written::array();
    for (const Json& item : value.items()) list.push_back(written(item));
    return list;
  }
  if (value.is_object()) {
    Written object = Written::object();
    Written::object_t::Container& members =
        object.get_ref<Written::object_t&>();  // to add without a look at all
    for (const auto& [name, member] : value.members()) members.emplace_back(name, written(member));
    return object;
  }
  if (!value.is_integer()) return value.number();
  return value.is_past_integer() ? Written(value.get<uint64_t>()) : Written(value.integer());
}

}  // namespace

Json::Json() = default;
Json::Json(const Json&) = default;
Json::Json(Json&&) noexcept = default;
// A value may become a part of itself.
Json& Json::operator=(const Json& other) { return *this = Json(other); }
Json& Json::operator=(Json&& other) noexcept {
  Value taken = std::move(other.value_);
  value_ = std::move(taken);
  return *this;
}
Json::~Json() = default;

Json::Json(Truth truth) : value_(truth.value) {}
Json::Json(Signed number) : value_(number.value) {}
Json::Json(Unsigned number) : value_(number.value) {
  if (std::in_range<int64_t>(number.value)) value_ = static_cast<int64_t>(number.value);
}
Json::Json(Value value) : value_(std::move(value)) {}
Json::Json(std::nullptr_t) {}
Json::Json(double value) : value_(value) {}
Json::Json(const char* value) : value_(std::string(value)) {}
Json::Json(std::string_view value) : value_(std::string(value)) {}
Json::Json(std::string value) : value_(std::move(value)) {}
Json::Json(std::initializer_list<std::pair<std::string_view, Json>> members) : Json(object()) {
  for (const auto& [name, value] : members) (*this)[name] = value;
}

Json Json::array(std::initializer_list<Json> items) { return Json(Value(std::vector<Json>(items))); }
Json Json::object() { return Json(Value(Object{})); }

bool Json::is_null() const { return std::holds_alternative<std::nullptr_t>(value_); }
bool Json::is_boolean() const { return std::holds_alternative<bool>(value_); }
bool Json::is_number() const { return is_integer() || std::holds_alternative<double>(value_); }
bool Json::is_integer() const {
  return std::holds_alternative<int64_t>(value_) || std::holds_alternative<uint64_t>(value_);
}
bool Json::is_past_integer() const { return std::holds_alternative<uint64_t>(value_); }
bool Json::is_string() const { return std::holds_alternative<std::string>(value_); }
bool Json::is_array() const { return std::holds_alternative<std::vector<Json>>(value_); }
bool Json::is_object() const { return std::holds_alternative<Object>(value_); }

const char* Json::type_name() const {
  constexpr const char* names[] = {"null",   "boolean", "number", "number",
                                   "number", "string",  "array",  "object"};
  return names[value_.index()];
}

void Json::fail_expected(const char* expected) const {
  fail("a JSON {}, expected {}", type_name(), expected);
}

template <typename T>
const T& Json::as(const char* expected) const {
  if (const T* found = std::get_if<T>(&value_)) return *found;
  fail_expected(expected);
}

template <typename T>
T& Json::become(const char* expected) {
  if (is_null()) value_ = T();
  return const_cast<T&>(as<T>(expected));
}

bool Json::boolean() const { return as<bool>("true or false"); }
const std::string& Json::text() const { return as<std::string>("a string"); }
int64_t Json::integer() const { return as<int64_t>("a whole number up to 2^63 - 1"); }
std::optional<int64_t> Json::whole() const {
  const auto* value = std::get_if<int64_t>(&value_);
  return value != nullptr ? std::optional(*value) : std::nullopt;
}
uint64_t Json::natural() const {
  if (const auto* large = std::get_if<uint64_t>(&value_)) return *large;
  const int64_t value = as<int64_t>("a whole number of 0 or more");
  if (value < 0) fail_expected("a whole number of 0 or more");
  return static_cast<uint64_t>(value);
}
double Json::number() const {
  if (const auto* value = std::get_if<int64_t>(&value_)) return static_cast<double>(*value);
  if (const auto* value = std::get_if<uint64_t>(&value_)) return static_cast<double>(*value);
  return as<double>("a number");
}

size_t Json::size() const { return is_array() ? items().size() : members().size(); }

const std::vector<Json>& Json::items() const {
  static const std::vector<Json> none;
  return is_null() ? none : as<std::vector<Json>>("a list");
}

const Json& Json::at(size_t index) const {
  const auto& all = as<std::vector<Json>>("a list");
  check(index < all.size(), "a JSON list of {}, expected one with an item {}", all.size(), index);
  return all[index];
}

Json& Json::push_back(Json item) { return become<std::vector<Json>>("a list").emplace_back(std::move(item)); }
void Json::pop_back() { become<std::vector<Json>>("a list").pop_back(); }

const std::vector<Json::Member>& Json::members() const {
  static const std::vector<Member> none;
  return is_null() ? none : as<Object>("an object").members;
}

const Json* Json::find(std::string_view name) const {
  const auto& object = as<Object>("an object");
  const auto place = object.places.find(name);
  return place == object.places.end() ? nullptr : &object.members[place->second].value;
}

bool Json::contains(std::string_view name) const { return is_object() && find(name) != nullptr; }

const Json& Json::at(std::string_view name) const {
  const Json* found = find(name);
  check(found != nullptr, "a JSON object without '{}'", name);
  return *found;
}

Json& Json::operator[](std::string_view name) {
  become<Object>("an object");
  Json* found = find(name);
  return found != nullptr ? *found : *add(std::string(name), nullptr);
}

Json* Json::add(std::string name, Json value) {
  auto& object = become<Object>("an object");
  if (!object.places.emplace(name, object.members.size()).second) return nullptr;
  return &object.members.emplace_back(Member{std::move(name), std::move(value)}).value;
}

void Json::update(const Json& other) {
  become<Object>("an object");
  for (const auto& [name, value] : other.members()) (*this)[name] = value;
}

bool Json::erase(std::string_view name) {
  auto& object = become<Object>("an object");
  const auto found = object.places.find(name);
  if (found == object.places.end()) return false;
  size_t place = found->second;
  object.places.erase(found);
  object.members.erase(object.members.begin() + static_cast<std::ptrdiff_t>(place));
  for (; place < object.members.size(); ++place)
    object.places.find(object.members[place].name)->second = place;
  return true;
}

bool Json::equals(const Json& other) const {
  if (is_number() && other.is_number()) {
    if (value_.index() != other.value_.index())
      return !(is_integer() && other.is_integer()) && number() == other.number();
    if (const auto* large = std::get_if<uint64_t>(&value_)) return *large == std::get<uint64_t>(other.value_);
    return is_integer() ? integer() == other.integer() : number() == other.number();
  }
  if (value_.index() != other.value_.index()) return false;
  if (is_boolean()) return boolean() == other.boolean();
  if (is_string()) return text() == other.text();
  if (is_array()) return items() == other.items();
  return is_null() || (size() == other.size() && std::ranges::all_of(members(), [&](const Member& member) {
                         const Json* found = other.find(member.name);
                         return found != nullptr && *found == member.value;
                       }));
}

void Json::sort_names() {
  if (auto* list = std::get_if<std::vector<Json>>(&value_)) std::ranges::for_each(*list, &Json::sort_names);
  auto* object = std::get_if<Object>(&value_);
  if (object == nullptr) return;
  std::ranges::sort(object->members, {}, &Member::name);
  size_t place = 0;
  for (auto& [name, of] : object->places) of = place++;  // the map has this order
  for (Member& member : object->members) member.value.sort_names();
}

Json sorted(Json value) {
  value.sort_names();
  return value;
}

const Json& value_of(const Json& object, std::string_view name) {
  static const Json none;
  const Json* found = object.is_object() ? object.find(name) : nullptr;
  return found != nullptr ? *found : none;
}

Json parse_json(std::string_view text, std::string_view where) {
  return parse(text.begin(), text.end(), where);
}

Json parse_json(const std::function<std::string_view()>& next_piece, std::string_view where,
                const std::function<bool(std::span<const std::string>, Json&)>& take, uint64_t most) {
  uint64_t kept = 0;
  const std::function<std::string_view()> counted = [&] {
    const std::string_view piece = next_piece();
    kept += piece.size();
    check(kept <= most, "{}: {} bytes of JSON with no object that is looked for", where, kept);
    return piece;
  };
  return parse(Pieces(counted), Pieces(), where, [&](std::span<const std::string> path, Json& object) {
    const bool taken = take(path, object);
    if (taken) kept = 0;
    return taken;
  });
}

std::string json_text(const Json& value, int indent, JsonStrings strings) try {
  const auto invalid =
      strings == JsonStrings::replaced ? Written::error_handler_t::replace : Written::error_handler_t::strict;
  return written(value).dump(indent, ' ', strings == JsonStrings::ascii, invalid);
} catch (const nlohmann::json::exception& error) {
  fail("a string that cannot be written as JSON: {}", without_code(error.what()));
}

}  // namespace gradus
