#include "tasks/help/program_page.h"

#include <algorithm>
#include <filesystem>
#include <string_view>

#include "core/io/files.h"

namespace gradus {

std::string short_purpose(const ProgramPage& page) {
  std::string text = page.purpose.substr(0, page.purpose.find(". "));
  text = text.substr(0, text.find(".\n"));
  std::ranges::replace(text, '\n', ' ');
  if (text.ends_with('.')) text.pop_back();
  return text;
}

bool writes_pages(int argc, const char* const* argv, const std::function<ProgramPage()>& make_page) {
  if (argc != 3 || std::string_view(argv[1]) != "--write_pages") return false;
  const ProgramPage page = make_page();
  const std::filesystem::path folder = argv[2];
  replace_file(folder / page.program, bash_completion(page));
  replace_file(folder / ("_" + page.program), zsh_completion(page));
  replace_file(folder / (page.program + ".1"), man_page(page));
  return true;
}

}  // namespace gradus
