// The tags of a run's data: what is asked of them, and the scheme that they follow.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "data/labels.h"
#include "data/ner_text.h"
#include "data/tag_scheme.h"

namespace gradus {

// What the tags of these ids say; lives as long as the labels.
std::vector<TagParts> parts_of(std::span<const int32_t> ids, const LabelList& labels,
                               const TagReader& reader);

// Whether a method of --assessment_method scores entities, not tags.
bool scores_entities(const std::string& method);

// Throws Error "path:line: word ..." when the method scores entities and a tag of the data is not an entity's.
void check_tags(const std::string& method, const NerData& data);
// The same for a label list: the error names the line of a label that was loaded, of others `source`.
void check_labels(const std::string& method, const LabelList& labels, const std::string& source);

// What the tags of data to train on are, whichever parts the data come in.
class TagStatistics {
 public:
  void add(const NerData& data);

  std::set<std::string> tags() const;
  // "path: N words in N sentences"
  std::string found() const;

  // A tag behind another, "" for both ends of a sentence.
  struct Transition {
    std::string before, next;
    int64_t count = 0;
    std::string place;  // of the first: "path:line 'word'"
  };
  // In the order in which they were first found.
  const std::vector<Transition>& transitions() const { return transitions_; }

 private:
  int32_t id_of(const std::string& tag);

  std::string path_;
  int64_t words_ = 0, sentences_ = 0;
  std::map<std::string, int32_t> ids_;
  std::map<std::pair<int32_t, int32_t>, size_t> places_;  // in transitions_
  std::vector<Transition> transitions_;
};

// Throws Error, with what was found, when all words of training data have one tag, or none is in an entity.
void check_learnable(const TagStatistics& data);
// A word of warning when no word of evaluation data is in an entity, so that the method's score says nothing; else "".
std::string warn_of_no_entity(const std::string& method, const NerData& data);

struct FoundScheme {
  TagScheme scheme;
  // For the log: an example of what it was told from, and how many tags break it.
  std::string text;
};
// The scheme that fewest tags of the data break, of those with the positions of the labels. `some` has the example.
FoundScheme find_scheme(const TagStatistics& data, const NerData& some, const LabelList& labels);
// The same where --tag_scheme says it. Throws Error when a label has a position that the scheme doesn't have.
FoundScheme check_scheme(TagScheme scheme, const TagStatistics& data, const NerData& some,
                         const LabelList& labels);

}  // namespace gradus
