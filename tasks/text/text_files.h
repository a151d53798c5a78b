// The files of text that a user names.
#pragma once

#include <string>
#include <vector>

namespace gradus {

// A file of text, and what to call it: its path below the folder that was named, or its name.
struct TextFile {
  std::string path, name;
};

// What a list with commas between names: files, patterns as wiki_*, folders with everything below them but hidden files,
// each in the order of their paths. Throws Error "<option>: ..." where there is no file.
std::vector<TextFile> find_text_files(const std::string& list, const std::string& option);

}  // namespace gradus
