// The keys and values of a section of an ini file, as Python's configparser reads it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace gradus {

struct IniEntry {
  std::string key;  // in small letters, as keys are there
  std::string value;
  int line;  // from 1
};

// The entries of a file that has this section and no other. A key ends at the first = or :, comments are lines that begin with
// # or ; (behind a value they belong to it), %% is a percent sign. What else configparser knows, as values of several lines and
// references to other keys, is an Error, and so is a key that is given twice; all with file and line.
std::vector<IniEntry> read_ini(const std::string& path, std::string_view section);

}  // namespace gradus
