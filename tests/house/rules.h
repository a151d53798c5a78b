// The rules of the house: who may include whom, and how long a file may be. They look at text alone, so that made-up
// trees can break each of them in a test.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace gradus::house {

struct SourceFile {
  std::string path;  // from the project's folder: "core/error.h"
  std::vector<std::string> lines;
};

// A folder of sources, and what its files may include beside each other.
struct Room {
  std::string name;  // the path of its folder
  std::vector<std::string>
      may;  // rooms; "*": all of them; "a/b.h": this file of a room that is closed otherwise
};

// A header of another's that takes seconds to compile, and who may include it.
struct CostlyHeader {
  std::string name;                // as it is included: "CLI/CLI.hpp"
  std::vector<std::string> users;  // paths
  std::string instead;             // what others include
};

// The rooms of this project in their order: each may use only rooms before it, so no two of them use one another.
std::vector<Room> project_rooms();
std::vector<CostlyHeader> costly_headers();
// A line "name: what it may include" begins a room, lines without a colon go on with it; what follows a '#' is not read.
// "name/**" is a room with all folders below it; otherwise each folder is a room of its own.
std::vector<Room> parse_rooms(std::string_view text);

// All .h, .cpp, .cu, .py and .sh files below a folder but in hidden ones and in build folders at its top, sorted.
std::vector<SourceFile> read_sources(const std::filesystem::path& root);

// Each returns what breaks the rule, a text each, that says what would be allowed.

// No room names one that comes after it, or none.
std::vector<std::string> check_room_order(const std::vector<Room>& rooms);
// Files include those of their own room and of those that it may use. What is ours is named by its path from the
// project's folder. A file that a room may use for itself is used.
std::vector<std::string> check_includes(const std::vector<SourceFile>& sources,
                                        const std::vector<Room>& rooms);
// A costly header is included by its users alone, and by each of them.
std::vector<std::string> check_costly_headers(const std::vector<SourceFile>& sources,
                                              const std::vector<CostlyHeader>& headers);
// No file includes itself, by however many others.
std::vector<std::string> check_cycles(const std::vector<SourceFile>& sources);
// The first file that a source includes is the header of its name, where there is one: so the header compiles alone.
std::vector<std::string> check_own_header_first(const std::vector<SourceFile>& sources);
// No file has more than `most` lines, nine in ten have `usual` or less.
std::vector<std::string> check_lengths(const std::vector<SourceFile>& sources, size_t usual, size_t most);

}  // namespace gradus::house
