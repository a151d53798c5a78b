#include "core/io/checked_json.h"

#include <iterator>
#include <set>

#include "core/error.h"
#include "core/io/file_kind.h"

namespace gradus {

namespace {

constexpr size_t max_depth = 64;
constexpr size_t max_message = 300;  // the parser's messages quote what it read, however long
constexpr size_t most_shown = 80;    // bytes of a value in a message

[[noreturn]] void fail_parsing(std::string_view where, std::string_view message) {
  const size_t end_of_code = message.find("] ");  // "[json.exception.parse_error.101] parse error at ..."
  fail("{}: invalid JSON: {}", where,
       message.substr(end_of_code == std::string_view::npos ? 0 : end_of_code + 2, max_message));
}

// Adds a member that is new; both take time that does not grow with the number of members, or with its logarithm.
nlohmann::json* append(nlohmann::json::object_t& object, std::string name, nlohmann::json value) {
  return &object.emplace_hint(object.end(), std::move(name), std::move(value))->second;
}
nlohmann::ordered_json* append(nlohmann::ordered_json::object_t& object, std::string name,
                               nlohmann::ordered_json value) {
  using Members = nlohmann::ordered_json::object_t::Container;  // its own emplace() looks at all members
  Members& members = object;
  return &members.emplace_back(std::move(name), std::move(value)).second;
}

// Takes what the parser reads, checks it and builds the value. nlohmann's own builder with a callback goes through all
// members of an object after each that ends.
template <class Json>
class Builder {
 public:
  using Take = std::function<bool(std::span<const std::string>, Json&)>;

  Builder(std::string_view where, Take take) : where_(where), take_(std::move(take)) {}

  Json finish() { return std::move(root_); }

  // What the parser calls.
  bool null() { return add(nullptr); }
  bool boolean(bool value) { return add(value); }
  bool number_integer(int64_t value) { return add(value); }
  bool number_unsigned(uint64_t value) { return add(value); }
  bool number_float(double value, const std::string&) { return add(value); }
  bool string(std::string& value) { return add(std::move(value)); }
  bool binary(typename Json::binary_t&) { return false; }  // no JSON text has any
  bool start_object(size_t) { return open(Json::object()); }
  bool start_array(size_t) { return open(Json::array()); }
  bool key(std::string& name) {
    check_depth();
    Open& object = open_.back();
    check(object.names.insert(name).second, "{}: the name '{}' occurs twice in one JSON object", where_,
          name);
    name_ = std::move(name);
    return true;
  }
  bool end_object() {
    Json& object = *open_.back().value;
    open_.pop_back();
    if (take_ && take_(path_, object)) remove(object);
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
    std::set<std::string> names;  // of its members, in an object
  };

  void check_depth() const {
    check(open_.size() < max_depth, "{}: JSON nested deeper than {}", where_, max_depth);
  }

  bool in_object() const { return !open_.empty() && open_.back().value->is_object(); }

  Json* put(Json value) {
    check_depth();
    if (open_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    Json& parent = *open_.back().value;
    if (parent.is_object())
      return append(parent.template get_ref<typename Json::object_t&>(), name_, std::move(value));
    auto& list = parent.template get_ref<typename Json::array_t&>();
    return &list.emplace_back(std::move(value));
  }
  bool add(Json value) {
    put(std::move(value));
    return true;
  }
  bool open(Json value) {
    path_.push_back(in_object() ? name_ : std::string());
    open_.push_back({put(std::move(value)), {}});
    return true;
  }
  // Removes the value that has ended last.
  void remove(Json& value) {
    if (open_.empty()) value = nullptr;
    else if (in_object()) open_.back().value->erase(path_.back());
    else open_.back().value->template get_ref<typename Json::array_t&>().pop_back();
  }

  std::string_view where_;
  Take take_;
  Json root_;
  std::vector<Open> open_;
  std::vector<std::string> path_;  // the names of open_
  std::string name_;               // of the member whose value comes next
};

template <class Json, class Iterator>
Json parse(Iterator begin, Iterator end, std::string_view where, typename Builder<Json>::Take take = {}) try {
  Builder<Json> builder(where, std::move(take));
  Json::sax_parse(begin, end, &builder);
  return builder.finish();
} catch (const nlohmann::json::exception& error) {  // of numbers that no type can hold
  fail_parsing(where, error.what());
}

template <class Json>
Json read(const std::filesystem::path& path, size_t most) {
  const std::string text = read_file(path, most);
  check_file_kind(text, path.string(), "JSON");
  return parse<Json>(text.begin(), text.end(), path.string());
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

}  // namespace

nlohmann::json parse_json(std::string_view text, std::string_view where) {
  return parse<nlohmann::json>(text.begin(), text.end(), where);
}

nlohmann::ordered_json parse_ordered_json(std::string_view text, std::string_view where) {
  return parse<nlohmann::ordered_json>(text.begin(), text.end(), where);
}

nlohmann::json read_json(const std::filesystem::path& path, size_t most) {
  return read<nlohmann::json>(path, most);
}

nlohmann::ordered_json read_ordered_json(const std::filesystem::path& path, size_t most) {
  return read<nlohmann::ordered_json>(path, most);
}

nlohmann::json parse_json(const std::function<std::string_view()>& next_piece, std::string_view where,
                          const std::function<bool(std::span<const std::string>, nlohmann::json&)>& take,
                          uint64_t most) {
  uint64_t kept = 0;
  const std::function<std::string_view()> counted = [&] {
    const std::string_view piece = next_piece();
    kept += piece.size();
    check(kept <= most, "{}: {} bytes of JSON with no object that is looked for", where, kept);
    return piece;
  };
  return parse<nlohmann::json>(Pieces(counted), Pieces(), where,
                               [&](std::span<const std::string> path, nlohmann::json& object) {
                                 const bool taken = take(path, object);
                                 if (taken) kept = 0;
                                 return taken;
                               });
}

template <class Json>
void JsonField<Json>::fail_expected(std::string_view expected) const {
  const std::string found = value_->dump(-1, ' ', false, Json::error_handler_t::replace);
  fail("{}: {} is {}{}, expected {}", where_, path_.empty() ? "the JSON" : fmt::format("'{}'", path_),
       found.substr(0, most_shown), found.size() > most_shown ? "..." : "", expected);
}

template <class Json>
bool JsonField<Json>::boolean() const {
  check(value_->is_boolean(), "true or false");
  return value_->template get<bool>();
}

template <class Json>
int64_t JsonField<Json>::integer(int64_t least, int64_t most) const {
  const bool fits = value_->is_number_integer() &&
                    (!value_->is_number_unsigned() ||
                     value_->template get<uint64_t>() <= uint64_t{std::numeric_limits<int64_t>::max()});
  const int64_t number = fits ? value_->template get<int64_t>() : 0;
  if (fits && number >= least && number <= most) return number;
  const bool any = least == std::numeric_limits<int64_t>::min();
  if (any || !value_->is_number_integer()) fail_expected("a whole number");
  if (most == std::numeric_limits<int64_t>::max())
    fail_expected(fmt::format("a whole number of {} or more", least));
  fail_expected(fmt::format("a whole number from {} to {}", least, most));
}

template <class Json>
double JsonField<Json>::number() const {
  check(value_->is_number(), "a number");
  return value_->template get<double>();
}

template <class Json>
std::string JsonField<Json>::text() const {
  check(value_->is_string(), "a string");
  return value_->template get<std::string>();
}

template <class Json>
std::vector<double> JsonField<Json>::numbers() const {
  std::vector<double> numbers;
  for (const JsonField& item : items()) numbers.push_back(item.number());
  return numbers;
}

template <class Json>
std::vector<JsonField<Json>> JsonField<Json>::items() const {
  check(value_->is_array(), "a list");
  std::vector<JsonField> items;
  for (const Json& item : *value_)
    items.emplace_back(item, where_, fmt::format("{}[{}]", path_, items.size()));
  return items;
}

template <class Json>
std::vector<std::pair<std::string, JsonField<Json>>> JsonField<Json>::members() const {
  check(value_->is_object(), "an object");
  std::vector<std::pair<std::string, JsonField>> members;
  for (const auto& [name, value] : value_->items())
    members.emplace_back(name, JsonField(value, where_, member_path(name)));
  return members;
}

template <class Json>
std::optional<JsonField<Json>> JsonField<Json>::find(std::string_view name) const {
  check(value_->is_object(), "an object");
  const auto found = value_->find(std::string(name));
  if (found == value_->end()) return std::nullopt;
  return JsonField(*found, where_, member_path(name));
}

template <class Json>
JsonField<Json> JsonField<Json>::at(std::string_view name) const {
  if (const std::optional<JsonField> found = find(name)) return *found;
  fail("{}: '{}' is missing", where_, member_path(name));
}

template <class Json>
std::string JsonField<Json>::member_path(std::string_view name) const {
  return path_.empty() ? std::string(name) : fmt::format("{}.{}", path_, name);
}

template class JsonField<nlohmann::json>;
template class JsonField<nlohmann::ordered_json>;

}  // namespace gradus
