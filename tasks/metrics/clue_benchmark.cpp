#include "tasks/metrics/clue_benchmark.h"

#include <optional>

#include "core/error.h"

namespace gradus {
namespace {

std::string joined(std::span<const std::string> characters, size_t begin, size_t end) {
  std::string text;
  for (size_t i = begin; i < end; ++i) text += characters[i];
  return text;
}

}  // namespace

ClueMentions clue_mentions(std::span<const std::string> characters, std::span<const TagParts> tags) {
  check(characters.size() == tags.size(), "[clue_benchmark] {} tags, expected {} as there are characters",
        tags.size(), characters.size());
  ClueMentions mentions;
  std::optional<size_t> begin;  // of the open mention
  const auto close = [&](size_t end, size_t typed) {
    if (!begin) return;
    mentions[std::string(tags[typed].type)][joined(characters, *begin, end)] = {*begin, end - 1};
    begin.reset();
  };
  for (size_t i = 0; i < tags.size(); ++i) {
    const char position = tags[i].position;
    if (position == 'O') {
      close(i, i - 1);
    } else if (position == 'B' || position == 'S') {
      close(i, i - 1);
      begin = i;
    }
  }
  close(tags.size(), begin.value_or(0));
  return mentions;
}

ClueMentions clue_mentions(std::span<const std::string> characters, std::span<const Entity> entities) {
  ClueMentions mentions;
  for (const Entity& entity : entities) {
    const auto begin = static_cast<size_t>(entity.begin), end = static_cast<size_t>(entity.end);
    mentions[entity.type][joined(characters, begin, end)] = {begin, end - 1};
  }
  return mentions;
}

void ClueBenchmark::add_line(const ClueMentions& predicted,
                             const std::map<std::string, std::set<std::string>>& gold) {
  for (const auto& [type, mentions] : predicted) {
    const auto gold_of_type = gold.find(type);
    for (const auto& [text, place] : mentions) {
      const bool is_right = gold_of_type != gold.end() && gold_of_type->second.contains(text);
      ++(is_right ? types_[type].true_positives : types_[type].false_positives);
    }
  }
  for (const auto& [type, texts] : gold) {
    const auto predicted_of_type = predicted.find(type);
    for (const std::string& text : texts) {
      const bool is_found = predicted_of_type != predicted.end() && predicted_of_type->second.contains(text);
      if (!is_found) ++types_[type].false_negatives;
    }
  }
}

double ClueBenchmark::average_f1() const {
  if (types_.empty()) return 0;
  double sum = 0;
  for (const auto& [type, counts] : types_) sum += counts.f1();
  return sum / static_cast<double>(types_.size());
}

std::string ClueBenchmark::report() const {
  std::string text;
  for (const auto& [type, counts] : types_) text += fmt::format("label: {}, F1: {:.6f}\n", type, counts.f1());
  return text + fmt::format("avg F1: {:.6f}\n", average_f1());
}

}  // namespace gradus
