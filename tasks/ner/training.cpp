#include "tasks/ner/training.h"

#include <fmt/core.h>

#include <algorithm>
#include <functional>

#include "tasks/ner/batch.h"

namespace gradus {
namespace {

// Throws Error when tags of an example follow each other as the rules forbid: the loss of such a sequence is a constant of
// thousands, and nothing could be learned from it. `where(i)` tells of the label i where it stands and of which word it is.
void check_constraints(const NerExample& example, const NerSystem& system, const TransitionRules& rules,
                       const std::function<std::string(size_t)>& where) {
  const LabelList& labels = system.labels();
  const std::vector<int32_t>& ids = example.labels;
  const auto id = [&](size_t place) { return static_cast<size_t>(ids[place]); };
  const auto allows = [&](size_t i) {
    if (i == 0) return static_cast<bool>(rules.start[id(0)]);
    if (i == ids.size()) return static_cast<bool>(rules.end[id(i - 1)]);
    return static_cast<bool>(rules.transitions[id(i - 1) * rules.start.size() + id(i)]);
  };
  for (size_t i = 0; i <= ids.size() && !ids.empty(); ++i) {
    if (allows(i)) continue;
    const bool ends = i == ids.size();
    const std::string before = i == 0 ? "" : labels.tag(ids[i - 1]);
    fail("{}: {} {}, which --crf_constraints forbids (by the scheme {})", where(ends ? i - 1 : i),
         ends ? fmt::format("the sequence ends with {}", before)
              : fmt::format("the tag {}", labels.tag(ids[i])),
         ends     ? std::string("within a name")
         : i == 0 ? std::string("begins a sequence")
                  : fmt::format("follows {}", before),
         name_of(system.tag_scheme()));
  }
}

}  // namespace

void NerTraining::add(const NerData& data, const NerExamples& examples) {
  const std::optional<TransitionRules> rules = system().head().crf_constraints;
  for (const NerExample& example : examples.examples) {
    if (rules) {
      check_constraints(example, system(), *rules, [&](size_t i) {
        const auto word = static_cast<size_t>(std::max(example.words[i], 0));
        const auto sentence = static_cast<size_t>(example.sentence);
        return fmt::format("{}: word '{}'", data.where(sentence, word), data.sentences[sentence].words[word]);
      });
    }
    add_example(example.input_ids.size(), {example.input_ids, example.labels}, {example.first_pieces});
  }
  counts_ += examples.counts;
}

void NerTraining::stream_records(NerRecordStream records, int64_t length) {
  const auto source = std::make_shared<const NerRecordStream>(std::move(records));
  const auto rules = std::make_shared<const std::optional<TransitionRules>>(system().head().crf_constraints);
  const auto read = [this, source, rules](const DatasetReader& reader, const DatasetRow& row) {
    std::optional<NerExample> example = source->example(reader, row);
    if (example && *rules)
      check_constraints(*example, system(), **rules, [&](size_t i) {
        return fmt::format("{}: token {}", reader.where(), example->first_pieces[i]);
      });
    return example;
  };
  const std::vector<int32_t> zeros(static_cast<size_t>(length), 0);
  stream_examples(source->records(), read, {zeros, zeros, numbers_below(length)});
}

NerExample NerTraining::example_of(const NumberLists& lists) const {
  NerExample example;
  example.input_ids = lists[0];
  example.labels = lists[1];
  example.first_pieces = lists[2];
  return example;
}

HostBatch NerTraining::pack_examples(const Backend& backend, std::span<const NerExample> examples,
                                     std::span<const int32_t> chosen) const {
  return pack_ner(backend, examples, chosen);
}

std::vector<Variable> NerTraining::losses_of(const NerModel& model, Context& context,
                                             const Batch& batch) const {
  return {model.loss(context, ner_batch(batch))};
}

}  // namespace gradus
