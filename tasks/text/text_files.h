// The files of text that a user names.
#pragma once

#include <string>
#include <vector>

namespace gradus {

// A file of text, and what to call it: its path below the folder that was named, or its name.
struct TextFile {
  std::string path, name;
};

// What names stand for: files, patterns as wiki_*, folders with everything below them but hidden files, each in the order of
// their paths. Throws Error "<option>: ..." where there is no file.
std::vector<TextFile> find_text_files(const std::vector<std::string>& names, const std::string& option);

}  // namespace gradus
