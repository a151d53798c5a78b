#include "tests/house/rules.h"

#include <algorithm>
#include <fstream>
#include <map>
#include <set>
#include <span>
#include <sstream>

#include "core/error.h"
#include "core/joined.h"

namespace gradus::house {
namespace {

namespace fs = std::filesystem;
using Texts = std::vector<std::string>;

constexpr std::string_view blanks = " \t\r";
constexpr std::string_view all_below = "/**";
constexpr const char* all_rooms = "*";

// Headers that the build makes, by what it makes them from.
const std::map<std::string, std::string> made_headers{
    {"core/interface_version.h", "core/interface_version.sh"}};

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

Texts words_of(std::string_view text) {
  std::istringstream stream{std::string(text)};
  Texts words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

bool is_file(std::string_view name) { return name.find('.') != std::string_view::npos; }

std::string folder_of(const std::string& path) { return fs::path(path).parent_path().string(); }

bool has_ending(const std::string& path, std::initializer_list<const char*> endings) {
  return std::find(endings.begin(), endings.end(), fs::path(path).extension()) != endings.end();
}

bool is_compiled(const std::string& path) { return has_ending(path, {".h", ".cpp", ".cu"}); }

struct Include {
  size_t line;  // from 1
  std::string name;
  bool quoted;  // "name", not <name>
};

std::vector<Include> includes_of(const SourceFile& source) {
  std::vector<Include> includes;
  for (size_t i = 0; i < source.lines.size(); ++i) {
    std::string_view text = trimmed(source.lines[i]);
    for (const std::string_view part : {"#", "include"}) {
      if (!text.starts_with(part)) text = {};
      else text = trimmed(text.substr(part.size()));
    }
    if (text.empty()) continue;
    const bool quoted = text.front() == '"';
    const size_t end = text.find(quoted ? '"' : '>', 1);
    if (end != std::string_view::npos)
      includes.push_back({i + 1, std::string(text.substr(1, end - 1)), quoted});
  }
  return includes;
}

std::string place(const SourceFile& source, const Include& include) {
  return fmt::format("{}:{}: #include {}{}{}", source.path, include.line, include.quoted ? '"' : '<',
                     include.name, include.quoted ? '"' : '>');
}

const Room* room_of(const std::string& path, const std::vector<Room>& rooms) {
  const std::string folder = folder_of(path);
  for (const Room& room : rooms) {
    if (room.name == folder) return &room;
    if (!room.name.ends_with(all_below)) continue;
    const std::string top = room.name.substr(0, room.name.size() - all_below.size());
    if (folder == top || folder.starts_with(top + "/")) return &room;
  }
  return nullptr;
}

bool may_include(const Room& room, const std::string& file, const Room& of) {
  if (&room == &of) return true;
  return std::any_of(room.may.begin(), room.may.end(), [&](const std::string& allowed) {
    return allowed == all_rooms || allowed == of.name || allowed == file;
  });
}

// By file, those of ours that it includes.
std::map<std::string, Texts> include_graph(const std::vector<SourceFile>& sources) {
  std::map<std::string, Texts> graph;
  for (const SourceFile& source : sources) graph[source.path];
  for (const SourceFile& source : sources) {
    if (!is_compiled(source.path)) continue;
    for (const Include& include : includes_of(source))
      if (graph.contains(include.name)) graph[source.path].push_back(include.name);
  }
  return graph;
}

// Follows the files that `path.back()` includes. `left` are those that have been gone through.
void find_cycles(const std::map<std::string, Texts>& graph, Texts& path, std::set<std::string>& left,
                 Texts& cycles) {
  for (const std::string& next : graph.at(path.back())) {
    const auto met = std::find(path.begin(), path.end(), next);
    if (met != path.end()) {
      cycles.push_back(fmt::format("{} -> {}: expected no circle of includes",
                                   joined(std::span(met, path.end()), " -> "), next));
    } else if (!left.contains(next)) {
      path.push_back(next);
      find_cycles(graph, path, left, cycles);
      path.pop_back();
    }
  }
  left.insert(path.back());
}

}  // namespace

std::vector<Room> parse_rooms(std::string_view text) {
  std::vector<Room> rooms;
  std::istringstream stream{std::string(text)};
  for (std::string line; std::getline(stream, line);) {
    std::string_view rest = std::string_view(line).substr(0, line.find('#'));
    if (const size_t colon = rest.find(':'); colon != std::string_view::npos) {
      rooms.push_back({std::string(trimmed(rest.substr(0, colon))), {}});
      rest = rest.substr(colon + 1);
    }
    const Texts words = words_of(rest);
    check(words.empty() || !rooms.empty(), "'{}': expected a line that begins a room, 'name: ...'", line);
    if (!words.empty()) rooms.back().may.insert(rooms.back().may.end(), words.begin(), words.end());
  }
  return rooms;
}

std::vector<SourceFile> read_sources(const fs::path& root) {
  std::vector<SourceFile> sources;
  for (fs::recursive_directory_iterator it(root), end; it != end; ++it) {
    const std::string name = it->path().filename().string();
    if (it->is_directory()) {
      if (name.starts_with('.') || (it.depth() == 0 && name.starts_with("build")))
        it.disable_recursion_pending();
      continue;
    }
    if (!has_ending(name, {".h", ".cpp", ".cu", ".py", ".sh"})) continue;
    SourceFile& source = sources.emplace_back();
    source.path = it->path().lexically_relative(root).generic_string();
    std::ifstream file(it->path());
    check(file.good(), "{}: cannot be read", it->path().string());
    for (std::string line; std::getline(file, line);) source.lines.push_back(line);
  }
  std::sort(sources.begin(), sources.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
  return sources;
}

Texts check_room_order(const std::vector<Room>& rooms) {
  Texts problems;
  std::set<std::string> before;
  for (const Room& room : rooms) {
    for (const std::string& name : room.may) {
      if (name == all_rooms || is_file(name) || before.contains(name)) continue;
      problems.push_back(fmt::format("room '{}' may include '{}': expected one of the rooms before it, {}",
                                     room.name, name, joined(before, ", ")));
    }
    if (!before.insert(room.name).second)
      problems.push_back(fmt::format("room '{}' is there twice", room.name));
  }
  return problems;
}

Texts check_includes(const std::vector<SourceFile>& sources, const std::vector<Room>& rooms) {
  Texts problems;
  std::set<std::string> files;
  for (const SourceFile& source : sources) files.insert(source.path);
  std::map<const Room*, std::set<std::string>> included;
  for (const SourceFile& source : sources) {
    if (!is_compiled(source.path)) continue;
    const Room* room = room_of(source.path, rooms);
    if (room == nullptr) {
      problems.push_back(fmt::format(
          "{}: its folder is no room of the house: give it a line in tests/house/rooms.cpp", source.path));
      continue;
    }
    for (const Include& include : includes_of(source)) {
      const bool is_made = made_headers.contains(include.name);
      if (!files.contains(include.name) && !is_made) {
        if (include.quoted)
          problems.push_back(fmt::format("{}: expected the path of a file of ours, from the project's folder",
                                         place(source, include)));
        continue;
      }
      const Room* of = room_of(include.name, rooms);
      if (of == nullptr) continue;  // the file itself is reported
      included[room].insert(include.name);
      if (may_include(*room, include.name, *of)) continue;
      Texts allowed = room->may;
      allowed.push_back(room->name);
      problems.push_back(
          fmt::format("{}: expected a file of {}", place(source, include), joined(allowed, ", ")));
    }
  }
  for (const Room& room : rooms)
    for (const std::string& name : room.may)
      if (is_file(name) && !included[&room].contains(name))
        problems.push_back(
            fmt::format("room '{}' may include '{}', and does not: take it off its line", room.name, name));
  return problems;
}

Texts check_costly_headers(const std::vector<SourceFile>& sources, const std::vector<CostlyHeader>& headers) {
  Texts problems;
  for (const CostlyHeader& header : headers) {
    std::set<std::string> missing(header.users.begin(), header.users.end());
    for (const SourceFile& source : sources) {
      if (!is_compiled(source.path)) continue;
      for (const Include& include : includes_of(source)) {
        if (include.name != header.name || missing.erase(source.path) > 0) continue;
        problems.push_back(fmt::format("{}: it takes seconds to compile: expected {} instead",
                                       place(source, include), header.instead));
      }
    }
    for (const std::string& path : missing)
      problems.push_back(
          fmt::format("{} may include {}, and does not: take it off its list", path, header.name));
  }
  return problems;
}

Texts check_cycles(const std::vector<SourceFile>& sources) {
  const auto graph = include_graph(sources);
  Texts cycles;
  std::set<std::string> left;
  for (const auto& [file, included] : graph) {
    if (left.contains(file)) continue;
    Texts path{file};
    find_cycles(graph, path, left, cycles);
  }
  return cycles;
}

Texts check_own_header_first(const std::vector<SourceFile>& sources) {
  std::set<std::string> files;
  for (const SourceFile& source : sources) files.insert(source.path);
  Texts problems;
  for (const SourceFile& source : sources) {
    if (!has_ending(source.path, {".cpp", ".cu"})) continue;
    const std::string header = fs::path(source.path).replace_extension(".h").string();
    if (!files.contains(header)) continue;
    const std::vector<Include> includes = includes_of(source);
    if (includes.empty() || includes.front().name != header)
      problems.push_back(fmt::format("{}: expected #include \"{}\" before all others", source.path, header));
  }
  return problems;
}

Texts check_lengths(const std::vector<SourceFile>& sources, size_t usual, size_t most) {
  Texts problems;
  std::vector<size_t> lengths;
  for (const SourceFile& source : sources) {
    lengths.push_back(source.lines.size());
    if (lengths.back() > most)
      problems.push_back(fmt::format("{}: {} lines, expected at most {}", source.path, lengths.back(), most));
  }
  if (lengths.empty()) return problems;
  std::sort(lengths.begin(), lengths.end());
  const size_t tenths = (lengths.size() * 9 + 9) / 10;  // nine in ten of them, rounded up
  if (lengths[tenths - 1] > usual)
    problems.push_back(
        fmt::format("9 of 10 files have up to {} lines, expected at most {}", lengths[tenths - 1], usual));
  return problems;
}

}  // namespace gradus::house
