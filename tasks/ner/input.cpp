#include "tasks/ner/input.h"

#include <algorithm>
#include <iterator>

#include "core/error.h"
#include "core/joined.h"
#include "data/sample/sample.h"
#include "tasks/log/log.h"
#include "tasks/log/phase.h"
#include "tasks/model/label_sources.h"
#include "tasks/ner/tags.h"
#include "tasks/training/training_data.h"

namespace gradus {
namespace {

NerSet sample_set(const std::vector<SampleSentence>& sentences, const std::string& name) {
  NerSet set;
  set.data.path = name;
  for (const SampleSentence& from : sentences) {
    NerSentence sentence;
    sentence.words = from.words;
    sentence.tags = from.tags;
    sentence.lines.assign(from.words.size(), static_cast<int64_t>(set.data.sentences.size()) + 1);
    set.data.sentences.push_back(std::move(sentence));
  }
  set.learned.add(set.data);
  return set;
}

void learn_words(const NerLearned& learned, NerSystem& system, std::FILE* log) {
  const WordRules rules = learned.words.rules();
  if (rules.cut == WordRules::Cut::blanks)
    print_log(log,
              "words: blanks part them; of text '{}' before words and '{}' behind them are cut off, but {} "
              "keep theirs\n",
              rules.first_marks, rules.last_marks, rules.kept.size());
  system.set_word_rules(rules);
}

void learn_scheme(const NerOptions& options, const NerSet& set, NerSystem& system, std::FILE* log) {
  if (!TagReader(system.labels().tags()).reads_entities()) return;
  const std::optional<TagScheme> asked = find_scheme(options.tag_scheme);
  const FoundScheme found = asked ? check_scheme(*asked, set.learned.tags, set.data, system.labels())
                                  : find_scheme(set.learned.tags, set.data, system.labels());
  system.set_tag_scheme(found.scheme);
  print_log(log, "tags: {}\n", found.text);
}

// Of streamed records only the first were looked at: others may have what these lack.
void warn_or_check_learnable(const NerSet& set, std::FILE* log) {
  if (!set.records) return check_learnable(set.learned.tags);
  try {
    check_learnable(set.learned.tags);
  } catch (const Error& e) {
    print_log(log, "warning: of the records that were looked at: {}\n", e.what());
  }
}

// Throws Error when a tagger that is trained further does not have a tag of the data.
void check_tags_known(const NerData& data, const LabelList& labels) {
  for (size_t s = 0; s < data.sentences.size(); ++s) {
    const std::vector<std::string>& tags = data.sentences[s].tags;
    for (size_t i = 0; i < tags.size(); ++i) {
      if (labels.find(tags[i]) < 0)
        refuse_label(fmt::format("{}: word '{}'", data.where(s, i), data.sentences[s].words[i]), tags[i],
                     "tagger", labels.tags());
    }
  }
}

// Takes over how records are labelled, where the tagger is new and the options don't say it (`learns`).
void fit_protocol(const NerOptions& options, const std::string& path, NerRecords& records, NerSystem& system,
                  bool learns) {
  if (learns && !options.given.contains("label_protocol")) system.set_protocol(records.protocol);
  if (system.protocol() == LabelProtocol::first_piece) records.keep_words_alone();
  check(system.protocol() == LabelProtocol::first_piece || system.protocol() == records.protocol,
        "{}: the records are labelled by the protocol {}, the tagger by {}", path, name_of(records.protocol),
        name_of(system.protocol()));
  check(!system.settings().crf_constraints || system.protocol() == LabelProtocol::first_piece,
        "{}: the records are labelled by the protocol {}: --crf_constraints needs first_piece, the tag of "
        "other pieces "
        "would end every name",
        path, name_of(records.protocol));
}

NerSet read_records(const NerOptions& options, const std::string& path, NerSystem& system, bool learns,
                    RecordReading reading, std::FILE* log) {
  // The generators write the tags beside the records; with others the numbers in these would mean something else.
  const std::string beside = label_list_of(path);
  const LabelList labels = std::filesystem::exists(beside) ? LabelList::load(beside) : system.labels();
  NerRecordStream stream(path, stream_options(options, reading),
                         {labels, &system.tokenizer().vocab(), system.config().max_position_embeddings});
  NerRecords records = [&] {
    const Phase phase(fmt::format("reading {}", path));
    return stream.read(records_to_read(reading));
  }();
  for (const std::string& warning : records.warnings) print_log(log, "warning: {}\n", warning);
  fit_protocol(options, path, records, system, learns);
  check(labels.tags() == system.labels().tags(), "{}: the records have the labels {}, the tagger has {}",
        beside, joined(labels.tags(), ", "), joined(system.labels().tags(), ", "));
  print_log(log, "{}", records.data.log());
  NerSet set{std::move(records.data), std::move(records.examples)};
  set.learned.add(set.data);
  if (reading == RecordReading::before) return set;
  if (system.protocol() == LabelProtocol::first_piece) stream.keep_words_alone();
  set.records = std::move(stream);
  set.record_length = records.length;
  return set;
}

// Tells how the text was understood before anything can go wrong with it.
NerSet read_text(const NerOptions& options, const std::string& path, const NerColumnNames& trained_on) {
  NerSet set;
  {
    const Phase phase(fmt::format("reading {}", path));
    set.data = read_ner(path, NerTags::required, chosen_columns(path, options.data_columns(), trained_on));
  }
  print_log(log_of(options), "{}", set.data.log());
  check_tags(options.assessment_method, set.data);
  return set;
}

// The same of data to train on, in one file or several, which may be larger than memory.
NerSet read_training_text(const NerOptions& options, const NerColumnNames& trained_on) {
  const int64_t most = most_words(options);
  NerSet set;
  set.data.path = options.train_data_file_path;
  set.data.files = training_files(options);
  int64_t words = 0;
  size_t first = 0;  // sentences of the first part
  for (size_t file = 0; file < set.data.files.size(); ++file) {
    NerData shown;      // how the file was understood
    std::string wrong;  // in its first part, which is told after that
    const auto take = [&](NerData& part) {
      set.learned.add(part);
      const bool begins = shown.sentences.empty();
      if (begins) {
        shown.path = part.path;
        shown.sentences.push_back(part.sentences.front());
      }
      try {
        check_tags(options.assessment_method, part);
      } catch (const Error& error) {
        if (!begins) throw;
        wrong = error.what();
      }
      words += part_words;
      for (NerSentence& sentence : part.sentences) sentence.file = static_cast<int32_t>(file);
      set.in_parts = set.in_parts || (first > 0 && words > most);
      if (set.in_parts) set.data.sentences.resize(first);
      else std::ranges::move(part.sentences, std::back_inserter(set.data.sentences));
      if (first == 0) first = set.data.sentences.size();
    };
    const std::string& path = set.data.files[file];
    std::optional<Phase> phase(std::in_place, fmt::format("reading {}", path));
    shown.notes = read_ner(path, NerTags::required, chosen_columns(path, options.data_columns(), trained_on),
                           part_words, take);
    phase.reset();
    print_log(log_of(options), "{}", shown.log());
    check(wrong.empty(), "{}", wrong);
  }
  if (set.in_parts)
    print_log(log_of(options), "{}: read in parts, and once more for training\n", set.data.path);
  return set;
}

}  // namespace

NerInputs read_ner_inputs(const NerOptions& options, const NerColumnNames& trained_on) {
  NerInputs inputs;
  if (options.use_sample) {
    Sample sample = make_sample();
    inputs.train = sample_set(sample.train, "built-in sample");
    inputs.dev = sample_set(sample.held_out, "built-in sample, held out");
    inputs.vocab.emplace(std::move(sample.vocabulary), "the built-in sample's vocabulary");
    return inputs;
  }
  if (options.format() != DatasetFormat::text) return inputs;
  if (options.train.do_train) {
    inputs.train = read_training_text(options, trained_on);
  }
  if (options.reads_eval()) {
    inputs.dev = read_text(options, options.eval_data_file_path, trained_on);
  }
  return inputs;
}

LabelList ner_labels(const NerOptions& options, const NerInputs& inputs) {
  const std::string& named = options.label_file_path;
  if (inputs.train)
    return named.empty() ? LabelList::from_data(inputs.train->learned.tags.tags()) : LabelList::load(named);
  const std::string& records = options.train_data_file_path;
  const std::string beside = label_list_of(records);
  if (!std::filesystem::exists(beside)) {
    check(!named.empty(),
          "{}: records hold the numbers of labels: name the file of their tags with --label_file_path, or "
          "put it beside them as label_list.txt",
          records);
    return LabelList::load(named);
  }
  LabelList labels = LabelList::load(beside);
  if (!named.empty()) {
    const LabelList asked = LabelList::load(named);
    check(asked.tags() == labels.tags(),
          "{}: the labels {}, but {}, which belongs to the records, has {}: leave out --label_file_path",
          named, joined(asked.tags(), ", "), beside, joined(labels.tags(), ", "));
  }
  return labels;
}

void complete_ner_inputs(const NerOptions& options, NerSystem& system, NerInputs& inputs, std::FILE* log) {
  const bool learns = options.makes_head();
  if (!options.use_sample && options.format() != DatasetFormat::text) {
    if (options.train.do_train)
      inputs.train =
          read_records(options, options.train_data_file_path, system, learns, training_reading(options), log);
    if (options.reads_eval())
      inputs.dev =
          read_records(options, options.eval_data_file_path, system, false, RecordReading::before, log);
  }
  if (inputs.train) warn_or_check_learnable(*inputs.train, log);
  if (inputs.dev) {
    const std::string warning = warn_of_no_entity(options.assessment_method, inputs.dev->data);
    if (!warning.empty()) print_log(log, "warning: {}\n", warning);
  }
  if (const auto named = options.columns.names(); options.train.do_train && !named.empty())
    system.set_columns(named);
  if (options.train.do_train && !learns) check_tags_known(inputs.train->data, system.labels());
  if (!learns) return;
  learn_words(inputs.train->learned, system, log);
  learn_scheme(options, *inputs.train, system, log);
}

std::string add_training_data(const NerOptions& options, const NerSystem& system, NerSet& set,
                              NerTraining& training) {
  if (set.records) {
    const std::string description = stream_description(set.data.path, *set.records->records());
    training.stream_records(std::move(*set.records), set.record_length);
    set = {};
    return description;
  }
  const NerFeatureOptions features{static_cast<int32_t>(options.seq_length), system.protocol(),
                                   LongSentences::split};
  const auto add = [&](const NerData& data) {
    Phase phase(fmt::format("tokenizing {}", data.path), std::ssize(data.sentences));
    training.add(data,
                 make_ner_examples(data, system.tokenizer(), &system.labels(), features,
                                   [&](size_t sentences) { phase.done(static_cast<int64_t>(sentences)); }));
  };
  if (set.examples) {
    training.add(set.data, *set.examples);
  } else if (!set.in_parts) {
    add(set.data);
  } else {
    Phase phase(fmt::format("tokenizing {}: sentences", options.train_data_file_path));
    for (const std::string& file : training_files(options)) {
      const NerColumns columns = chosen_columns(file, options.data_columns(), system.settings().columns);
      read_ner(file, NerTags::required, columns, part_words, [&](const NerData& part) {
        if (!options.makes_head()) check_tags_known(part, system.labels());
        add(part);
        phase.done(training.counts().sentences);
      });
    }
  }
  set = {};
  return training.counts().str();
}

}  // namespace gradus
