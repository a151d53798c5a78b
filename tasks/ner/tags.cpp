#include "tasks/ner/tags.h"

#include <algorithm>

#include "core/counted.h"
#include "core/error.h"
#include "core/joined.h"

namespace gradus {
namespace {

bool has_entity(const std::set<std::string>& tags) {
  const std::vector<std::string> list(tags.begin(), tags.end());
  const std::vector<TagParts> parts = TagReader(list).parts(list);
  return std::ranges::any_of(parts, [](const TagParts& part) { return part.position != 'O'; });
}

int64_t words_of(const NerData& data) {
  int64_t words = 0;
  for (const NerSentence& sentence : data.sentences) words += std::ssize(sentence.words);
  return words;
}

const char* not_an_entity =
    "is not an entity's (O, or B, I, M, E, S, L or U with '-' or '_' and a type, as B-PER; or X, [CLS], "
    "[SEP], [PAD])";

// How the data keeps to a scheme.
struct Breaks {
  int64_t count = 0;
  std::string first;  // where, and what stands there
};

Breaks count_breaks(const TagStatistics& data, const TagReader& reader, TagScheme scheme) {
  const auto parts = [&](const std::string& tag) { return tag.empty() ? TagParts() : reader.parts(tag); };
  Breaks breaks;
  for (const auto& [before, next, count, place] : data.transitions()) {
    if (transition_allowed(scheme, parts(before), parts(next))) continue;
    if (breaks.count == 0)
      breaks.first = fmt::format("{}, {} {}", place, next.empty() ? "the end of the sentence" : next,
                                 before.empty() ? "at the beginning" : "behind " + before);
    breaks.count += count;
  }
  return breaks;
}

// What an entity shows of the scheme: which of its words, and what that one's tag does. Nothing when it shows nothing.
struct Sign {
  int64_t word;
  const char* meaning;
};
std::optional<Sign> sign_of(TagScheme scheme, const Entity& entity, char first, char last) {
  switch (scheme) {
    case TagScheme::iob1:
      if (first == 'I') return Sign{entity.begin, "begins a name"};
      return std::nullopt;
    case TagScheme::iob2:
      if (first == 'B') return Sign{entity.begin, "begins a name"};
      return std::nullopt;
    case TagScheme::ioe1:
      if (last == 'I') return Sign{entity.end - 1, "ends a name"};
      return std::nullopt;
    case TagScheme::ioe2:
    case TagScheme::iobes:
      if (first == 'S') return Sign{entity.begin, "is a name of one word"};
      if (last == 'E') return Sign{entity.end - 1, "ends a name"};
      return std::nullopt;
  }
  return std::nullopt;
}

std::string example_of(const NerData& data, const TagReader& reader, TagScheme scheme) {
  for (size_t s = 0; s < data.sentences.size(); ++s) {
    const NerSentence& sentence = data.sentences[s];
    const auto position = [&](int64_t i) {
      return reader.parts(sentence.tags[static_cast<size_t>(i)]).position;
    };
    for (const Entity& entity : reader.entities(std::span(sentence.tags))) {
      const auto sign = sign_of(scheme, entity, position(entity.begin), position(entity.end - 1));
      if (!sign) continue;
      const auto word = static_cast<size_t>(sign->word);
      return fmt::format(": {} {} ({} '{}')", sentence.tags[word], sign->meaning, data.where(s, word),
                         sentence.words[word]);
    }
  }
  return "";
}

FoundScheme describe(const NerData& some, const TagReader& reader, TagScheme scheme, const Breaks& breaks) {
  FoundScheme found{scheme, fmt::format("{}{}", name_of(scheme), example_of(some, reader, scheme))};
  if (breaks.count > 0)
    found.text += fmt::format("; {} that, the first at {}", counted(breaks.count, "tag breaks", "tags break"),
                              breaks.first);
  return found;
}

}  // namespace

std::vector<TagParts> parts_of(std::span<const int32_t> ids, const LabelList& labels,
                               const TagReader& reader) {
  std::vector<TagParts> parts;
  parts.reserve(ids.size());
  for (const int32_t id : ids) parts.push_back(reader.parts(labels.tag(id)));
  return parts;
}

bool scores_entities(const std::string& method) {
  return method == "span" || method == "span_strict" || method == "clue_benchmark";
}

void check_tags(const std::string& method, const NerData& data) {
  if (!scores_entities(method)) return;
  const std::set<std::string> tags = data.tags();
  const TagReader reader(std::vector<std::string>(tags.begin(), tags.end()));
  if (reader.reads_entities()) return;
  for (size_t s = 0; s < data.sentences.size(); ++s) {
    const NerSentence& sentence = data.sentences[s];
    for (size_t i = 0; i < sentence.tags.size(); ++i)
      check(reader.is_entity_tag(sentence.tags[i]),
            "{}: word '{}': the tag '{}' {}: --assessment_method {} scores entities, accuracy any tag",
            data.where(s, i), sentence.words[i], sentence.tags[i], not_an_entity, method);
  }
}

void check_labels(const std::string& method, const LabelList& labels, const std::string& source) {
  if (!scores_entities(method)) return;
  const TagReader reader(labels.tags());
  for (int32_t id = 0; id < labels.size(); ++id)
    check(reader.is_entity_tag(labels.tag(id)),
          "{}: the label '{}' {}: --assessment_method {} scores entities, accuracy any tag",
          labels.where(id).empty() ? source : labels.where(id), labels.tag(id), not_an_entity, method);
}

void TagStatistics::add(const NerData& data) {
  // Parts come one file after the other.
  if (path_.empty()) path_ = data.path;
  else if (!path_.ends_with(data.path)) path_ += ", " + data.path;
  sentences_ += std::ssize(data.sentences);
  words_ += words_of(data);
  for (size_t s = 0; s < data.sentences.size(); ++s) {
    const NerSentence& sentence = data.sentences[s];
    if (sentence.tags.empty()) continue;
    static const std::string end;
    const std::string* before = &end;
    int32_t before_id = -1;
    for (size_t i = 0; i <= sentence.tags.size(); ++i) {
      const bool ends = i == sentence.tags.size();
      const std::string& next = ends ? end : sentence.tags[i];
      const int32_t next_id = ends ? -1 : id_of(next);
      const auto [found, is_new] = places_.emplace(std::pair(before_id, next_id), transitions_.size());
      if (is_new) {
        const size_t word = std::min(i, sentence.words.size() - 1);
        transitions_.push_back(
            {*before, next, 0, fmt::format("{} '{}'", data.where(s, word), sentence.words[word])});
      }
      ++transitions_[found->second].count;
      before = &next;
      before_id = next_id;
    }
  }
}

int32_t TagStatistics::id_of(const std::string& tag) {
  return ids_.emplace(tag, static_cast<int32_t>(ids_.size())).first->second;
}

std::set<std::string> TagStatistics::tags() const {
  std::set<std::string> tags;
  for (const auto& [tag, id] : ids_) tags.insert(tag);
  return tags;
}

std::string TagStatistics::found() const {
  return fmt::format("{}: {} in {}", path_, counted(words_, "word"), counted(sentences_, "sentence"));
}

void check_learnable(const TagStatistics& data) {
  const std::set<std::string> tags = data.tags();
  check(tags.size() != 1, "{}, and the tag of all is '{}': there is nothing to tell it apart from",
        data.found(), *tags.begin());
  check(has_entity(tags), "{}, and none is in an entity, the tags are {}: there is nothing to learn",
        data.found(), joined(tags, ", "));
}

std::string warn_of_no_entity(const std::string& method, const NerData& data) {
  if (method == "accuracy" || has_entity(data.tags())) return "";
  return fmt::format("{}: {} in {}, and none is in an entity: the scores say nothing", data.path,
                     counted(words_of(data), "word"), counted(data.sentences.size(), "sentence"));
}

FoundScheme find_scheme(const TagStatistics& data, const NerData& some, const LabelList& labels) {
  const TagReader reader(labels.tags());
  TagScheme best = reader.schemes().front();
  Breaks fewest = count_breaks(data, reader, best);
  for (const TagScheme scheme : std::span(reader.schemes()).subspan(1)) {
    const Breaks breaks = count_breaks(data, reader, scheme);
    if (breaks.count >= fewest.count) continue;
    best = scheme;
    fewest = breaks;
  }
  return describe(some, reader, best, fewest);
}

FoundScheme check_scheme(TagScheme scheme, const TagStatistics& data, const NerData& some,
                         const LabelList& labels) {
  const TagReader reader(labels.tags());
  for (const std::string& tag : labels.tags())
    check(has_position(scheme, reader.parts(tag).position), "--tag_scheme {}: it has no label such as '{}'",
          name_of(scheme), tag);
  return describe(some, reader, scheme, count_breaks(data, reader, scheme));
}

}  // namespace gradus
