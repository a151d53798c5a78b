// Tokenizing speed on one thread, in MB of UTF-8 text a second, on the shared Wikipedia texts.
#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "core/error.h"
#include "data/text_file.h"
#include "data/vocab.h"
#include "data/word_piece.h"

namespace {

using namespace gradus;
namespace fs = std::filesystem;

// The lines of all files in `folder` whose name starts with `prefix`.
std::vector<std::string> read_lines(const fs::path& folder, const std::string& prefix) {
  std::vector<std::string> lines;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (!entry.path().filename().string().starts_with(prefix)) continue;
    LineReader reader(entry.path().string());
    for (std::string_view line; reader.next(line);) lines.emplace_back(line);
  }
  return lines;
}

void measure(const fs::path& data, const std::string& vocab_name, const std::string& prefix) {
  const Vocab vocab = Vocab::load((data / "vocab" / (vocab_name + ".txt")).string());
  const auto setup_start = std::chrono::steady_clock::now();
  const Tokenizer tokenizer(vocab);
  const std::chrono::duration<double> setup = std::chrono::steady_clock::now() - setup_start;
  const std::vector<std::string> lines = read_lines(data / "pretrain_text", prefix);
  double best = 0;
  size_t bytes = 0;
  size_t pieces = 0;
  for (int run = 0; run < 5; ++run) {
    bytes = pieces = 0;
    const auto start = std::chrono::steady_clock::now();
    for (const std::string& line : lines) {
      bytes += line.size();
      pieces += tokenizer.tokenize(line).size();
    }
    const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
    best = std::max(best, static_cast<double>(bytes) / time.count() / 1e6);
  }
  fmt::print("{:8} {:8} {:.1f} MB, {} pieces: {:.1f} MB/s (best of 5), setup {:.1f} ms\n", vocab_name, prefix,
             static_cast<double>(bytes) / 1e6, pieces, best, setup.count() * 1e3);
}

}  // namespace

int main() try {
  const char* shared = std::getenv("GRADUS_SHARED");
  if (shared == nullptr || !fs::exists(fs::path(shared) / "data")) {
    fmt::print("skipped: no shared data\n");
    return 0;
  }
  measure(fs::path(shared) / "data", "uncased", "wiki_en");
  measure(fs::path(shared) / "data", "chinese", "wiki_zh");
  return 0;
} catch (const Error& error) {
  fmt::print(stderr, "{}\n", error.what());
  return 2;
}
