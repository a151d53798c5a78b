#include "tasks/topic/input.h"

#include <algorithm>
#include <set>

#include "core/counted.h"
#include "core/joined.h"
#include "data/text_file.h"
#include "tasks/log/phase.h"
#include "tasks/training/training_data.h"

namespace gradus {

std::string TopicSet::description() const {
  const std::string cut = truncated > 0 ? fmt::format(", {} cut off", counted(truncated, "text")) : "";
  return fmt::format("{}, {}{}", counted(std::ssize(texts), "text"), counted(pieces, "piece"), cut);
}

TopicSet read_topics(const std::string& path) {
  const Phase phase(fmt::format("reading {}", path));
  TopicSet set{path, {}};
  LineReader reader(path);
  for (std::string_view line; reader.next(line);) {
    if (trimmed(line).empty()) continue;
    const size_t tab = line.rfind('\t');
    check(tab != std::string_view::npos, "{}: '{}': expected a text, a tab and its topic", reader.where(),
          line);
    const std::string_view text = trimmed(line.substr(0, tab)), label = trimmed(line.substr(tab + 1));
    check(!text.empty() && !label.empty(), "{}: {} is missing: expected a text, a tab and its topic",
          reader.where(), text.empty() ? "the text" : "the topic");
    set.texts.push_back({std::string(text), std::string(label), reader.where()});
  }
  check(!set.texts.empty(), "{}: no texts: expected lines of a text, a tab and its topic", path);
  return set;
}

TopicSet read_training_topics(const TopicOptions& options) {
  TopicSet set{options.train_data_file_path, {}};
  for (const std::string& file : training_files(options)) {
    TopicSet part = read_topics(file);
    std::ranges::move(part.texts, std::back_inserter(set.texts));
  }
  return set;
}

ClassLabels find_topics(const TopicOptions& options, const TopicSet& training) {
  if (!options.label_file_path.empty()) return ClassLabels::load(options.label_file_path);
  std::set<std::string> labels;
  for (const TopicText& text : training.texts) labels.insert(text.label);
  check(labels.size() > 1, "{}: there is one topic, '{}', and nothing to tell it apart from", training.path,
        *labels.begin());
  return ClassLabels({labels.begin(), labels.end()});
}

TopicExample make_example(const TopicSystem& system, const std::string& text, int64_t seq_length) {
  TopicExample example;
  example.input_ids.push_back(system.vocab().cls_id());
  for (const Piece& piece : system.tokenizer().tokenize(text)) {
    example.is_cut = std::ssize(example.input_ids) == seq_length - 1;
    if (example.is_cut) break;
    example.input_ids.push_back(piece.id);
  }
  example.input_ids.push_back(system.vocab().sep_id());
  return example;
}

void make_examples(const TopicSystem& system, int64_t seq_length, TopicSet& set) {
  Phase phase(fmt::format("tokenizing {}", set.path), std::ssize(set.texts));
  for (const TopicText& text : set.texts) {
    TopicExample example = make_example(system, text.text, seq_length);
    example.label = system.labels().find(text.label);
    check(example.label >= 0, "{}: topic '{}': the model knows {}", text.where, text.label,
          joined(system.labels().names(), ", "));
    set.pieces += std::ssize(example.input_ids) - 2;
    set.truncated += example.is_cut ? 1 : 0;
    set.examples.push_back(std::move(example));
    phase.done(std::ssize(set.examples));
  }
}

}  // namespace gradus
