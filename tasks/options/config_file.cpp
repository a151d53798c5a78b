#include "tasks/options/config_file.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <map>
#include <sstream>

#include "core/error.h"
#include "core/io/file_kind.h"
#include "core/io/files.h"

namespace gradus {
namespace {

int line_of(const YAML::Node& node) { return node.Mark().line + 1; }

std::string text_of(const YAML::Node& node) { return node.IsScalar() ? node.Scalar() : std::string(); }

constexpr size_t most_bytes = size_t{4} << 20;
constexpr int most_levels = 32;
constexpr size_t most_values = 100'000;

// Makes a flat list of the entries of maps in maps.
class Flattener {
 public:
  Flattener(const std::string& file, std::vector<ConfigEntry>& entries) : file_(file), entries_(entries) {}

  // Appends the entries of a map whose own path, with a dot behind it, is `prefix`.
  void add(const YAML::Node& map, const std::string& prefix, int level) {
    // An alias may stand for a map that it is in.
    check(level < most_levels, "{}:{}: maps in maps, more than {} deep", file_, line_of(map), most_levels);
    for (const auto& item : map) {
      const YAML::Node& key = item.first;
      const YAML::Node& value = item.second;
      const int line = line_of(key);
      check(key.IsScalar(), "{}:{}: a key is a list or a map: expected a name", file_, line);
      ConfigEntry entry{prefix + key.Scalar(), ConfigEntry::Kind::scalar, line, {}};
      const auto [earlier, is_new] = lines_.emplace(entry.path, line);
      check(is_new, "{}:{}: '{}' is given twice: first in line {}", file_, line, entry.path, earlier->second);
      count(line);
      if (value.IsMap()) {
        entry.kind = ConfigEntry::Kind::map;
        const std::string below = entry.path + ".";
        entries_.push_back(std::move(entry));
        add(value, below, level + 1);
        continue;
      }
      if (value.IsSequence()) add_list(value, entry);
      else entry.values.push_back(text_of(value));
      entries_.push_back(std::move(entry));
    }
  }

 private:
  void add_list(const YAML::Node& list, ConfigEntry& entry) {
    entry.kind = ConfigEntry::Kind::list;
    for (const YAML::Node& item : list) {
      check(!item.IsMap() && !item.IsSequence(), "{}:{}: '{}' is a list of lists or maps: expected values",
            file_, line_of(item), entry.path);
      entry.values.push_back(text_of(item));
      count(line_of(item));
    }
  }

  // What an alias stands for is read as often as it is used: few lines may be any number of values.
  void count(int line) {
    check(++values_ <= most_values, "{}:{}: more than {} values", file_, line, most_values);
  }

  const std::string& file_;
  std::vector<ConfigEntry>& entries_;
  std::map<std::string, int> lines_;  // of each path
  size_t values_ = 0;
};

// Goes through the documents of a file and keeps nothing. YAML::LoadAll keeps all there are, and of some damaged files
// finds documents without end.
class DocumentCounter : public YAML::EventHandler {
 public:
  explicit DocumentCounter(const std::string& file) : file_(file) {}

  // How many there are, without empty ones at the end.
  int documents() const { return last_map_; }

  void OnDocumentStart(const YAML::Mark& mark) override {
    check(
        ++begun_ <= most_documents,
        "{}:{}: a document begins here, the fourth. At most 3 docs are allowed: values, help texts, choices",
        file_, mark.line + 1);
  }
  void OnMapStart(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t /*anchor*/,
                  YAML::EmitterStyle::value /*style*/) override {
    if (level_++ > 0) return;
    check(last_map_ > 0 || begun_ == 1,
          "{}:{}: a document begins here, and the first, of the values, is empty", file_, mark.line + 1);
    last_map_ = begun_;
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t /*anchor*/,
                       YAML::EmitterStyle::value /*style*/) override {
    check_in_map(mark);
    ++level_;
  }
  void OnScalar(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t /*anchor*/,
                const std::string& /*value*/) override {
    check_in_map(mark);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t /*anchor*/) override { check_in_map(mark); }
  void OnNull(const YAML::Mark& /*mark*/, YAML::anchor_t /*anchor*/) override {}
  void OnSequenceEnd() override { --level_; }
  void OnMapEnd() override { --level_; }
  void OnDocumentEnd() override {}

 private:
  static constexpr int most_documents = 3;

  void check_in_map(const YAML::Mark& mark) const {
    check(level_ > 0, "{}:{}: expected a map of names to values", file_, mark.line + 1);
  }

  const std::string& file_;
  int begun_ = 0, last_map_ = 0;  // documents
  int level_ = 0;                 // of maps and lists around what comes next
};

}  // namespace

ConfigFile::ConfigFile(const std::string& name) : name_(name) {
  const std::string text = read_file(name, most_bytes, FileKind::any);
  check_file_kind(text, name, "YAML");
  try {
    DocumentCounter counter(name);
    std::istringstream in(text);
    YAML::Parser parser(in);
    while (parser.HandleNextDocument(counter)) {
    }
    documents_ = counter.documents();
    const YAML::Node values = YAML::Load(text);
    if (values.IsMap()) Flattener(name, entries_).add(values, "", 0);
  } catch (const YAML::Exception& e) {
    fail("{}:{}: not valid YAML: {}", name, e.mark.line + 1, e.msg);
  }
}

ConfigEntry* ConfigFile::find(std::string_view path) {
  const auto found =
      std::find_if(entries_.begin(), entries_.end(), [&](const auto& entry) { return entry.path == path; });
  return found == entries_.end() ? nullptr : &*found;
}

std::string ConfigFile::where(const ConfigEntry& entry) const {
  return fmt::format("{}:{}", name_, entry.line);
}

std::vector<std::string> ConfigFile::unused() const {
  std::vector<std::string> names;
  for (const ConfigEntry& entry : entries_) {
    if (entry.used || entry.kind == ConfigEntry::Kind::map) continue;
    // The shortest leading part of the path below which nothing is used.
    std::string name = entry.path;
    for (size_t dot = entry.path.find('.'); dot != std::string::npos; dot = entry.path.find('.', dot + 1)) {
      const std::string prefix = entry.path.substr(0, dot + 1);
      const bool any_used = std::any_of(entries_.begin(), entries_.end(), [&](const ConfigEntry& other) {
        return other.used && other.path.starts_with(prefix);
      });
      if (any_used) continue;
      name = prefix + "*";
      break;
    }
    if (names.empty() || names.back() != name) names.push_back(name);
  }
  return names;
}

}  // namespace gradus
