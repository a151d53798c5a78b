#include "core/checked_json.h"

#include <iterator>
#include <set>
#include <vector>

#include "core/error.h"

namespace gradus {

namespace {

constexpr int max_depth = 64;
constexpr size_t max_message = 300;  // the parser's messages quote what it read, however long

// Looks at what a parser reads as it reads it.
template <class Json>
class Inspector {
 public:
  using Event = typename Json::parse_event_t;

  explicit Inspector(std::string_view where) : where_(where) {}

  void see(int depth, Event event, const Json& value) {
    check(depth < max_depth, "{}: JSON nested deeper than {}", where_, max_depth);
    if (event == Event::object_start) {
      names_.emplace_back();
    } else if (event == Event::object_end) {
      names_.pop_back();
    } else if (event == Event::key) {
      const auto& name = value.template get_ref<const std::string&>();
      check(names_.back().insert(name).second, "{}: the name '{}' occurs twice in one JSON object", where_,
            name);
    }
  }

 private:
  std::string_view where_;
  std::vector<std::set<std::string>> names_;  // of each object that is open
};

template <class Json, class Iterator, class Callback>
Json parse(Iterator begin, Iterator end, std::string_view where, const Callback& callback) try {
  return Json::parse(begin, end, callback);
} catch (const nlohmann::json::exception& error) {
  const std::string_view message = error.what();  // "[json.exception.parse_error.101] parse error at ..."
  const size_t end_of_code = message.find("] ");
  fail("{}: invalid JSON: {}", where,
       message.substr(end_of_code == std::string_view::npos ? 0 : end_of_code + 2, max_message));
}

template <class Json>
Json parse(std::string_view text, std::string_view where) {
  Inspector<Json> inspector(where);
  return parse<Json>(text.begin(), text.end(), where,
                     [&](int depth, typename Json::parse_event_t event, Json& value) {
                       inspector.see(depth, event, value);
                       return true;
                     });
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
  return parse<nlohmann::json>(text, where);
}

nlohmann::ordered_json parse_ordered_json(std::string_view text, std::string_view where) {
  return parse<nlohmann::ordered_json>(text, where);
}

nlohmann::json parse_json(const std::function<std::string_view()>& next_piece, std::string_view where,
                          const std::function<bool(std::span<const std::string>, nlohmann::json&)>& take) {
  using Event = nlohmann::json::parse_event_t;
  Inspector<nlohmann::json> inspector(where);
  std::vector<std::string> path(max_depth);
  const auto callback = [&](int depth, Event event, nlohmann::json& value) {
    inspector.see(depth, event, value);
    if (event == Event::key) path[static_cast<size_t>(depth)] = value.get<std::string>();
    if (event != Event::object_end) return true;
    return !take(std::span(path).first(static_cast<size_t>(depth) + 1), value);
  };
  return parse<nlohmann::json>(Pieces(next_piece), Pieces(), where, callback);
}

}  // namespace gradus
