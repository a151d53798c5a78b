// generate_ner_records: makes records of token ids of the published named-entity data sets, and of others in their
// forms.
#include <algorithm>
#include <array>
#include <filesystem>

#include "core/counted.h"
#include "core/error.h"
#include "core/joined.h"
#include "data/msra_xml.h"
#include "data/ner_records.h"
#include "data/ner_text.h"
#include "tasks/main.h"
#include "tasks/options/column_options.h"
#include "tasks/records/record_generator.h"

using namespace gradus;
namespace fs = std::filesystem;

namespace {

constexpr const char* purpose =
    R"(Makes records of token ids, for run_ner and for MindSpore and TensorFlow, of text with named entities.
Writes the list of the tags beside them; their order gives the label ids.)";
constexpr const char* example =
    R"(generate_ner_records --dataset_name cluener --data_dir cluener/ --vocab_file vocab.txt --output_dir records/
  generate_ner_records --dataset_name conll2003 --data_dir conll/ --vocab_file vocab.txt --output_dir records/ \
                       --dataset_format tfrecord --do_predict false)";

struct Preset {
  const char* name;
  std::array<RecordSplit, 3> splits;
  const char* mindrecord_ending;
  const char* max_seq_length;
  const char* label_protocol;
  const char* long_sentences;
};

// File names, lengths and labels are those of the programs that introduced these records: kyzhouhzau/BERT-NER
// (conll2003; by words here, without X), macanv/BERT-BiLSTM-CRF-NER (chinesener) and mindspore-ai/models (the
// others).
constexpr std::array<Preset, 4> presets{
    Preset{"conll2003",
           {{{"train.txt", "train"}, {"dev.txt", "eval"}, {"test.txt", "predict"}}},
           ".mindrecord",
           "128",
           "first_piece",
           "split"},
    Preset{"chinesener",
           {{{"example.train", "train"}, {"example.dev", "eval"}, {"example.test", "test"}}},
           ".mind_record",
           "202",
           "x_pieces",
           "cut"},
    Preset{"msra",
           {{{"train.xml", "train"}, {"dev.xml", "eval"}, {"test.xml", "predict"}}},
           ".mindrecord",
           "128",
           "all_pieces",
           "cut"},
    Preset{"cluener",
           {{{"train.json", "train"}, {"dev.json", "dev"}, {"test.json", "predict"}}},
           ".mindrecord",
           "128",
           "all_pieces",
           "cut"}};

struct Settings {
  std::string dataset_name;
  RecordSettings records;
  std::string class_filter;
  NerColumnOptions columns;
  double split_begin = 0, split_end = 1;
  std::string label_protocol = "first_piece";
  std::string long_sentences = "split";

  void declare(Options& options) {
    options.group("Input");
    options.add("dataset_name", dataset_name, "whose file names, lengths and labels to use")
        .alias("task_name")
        .choices({"conll2003", "chinesener", "cluener", "msra"});
    records.declare_input(options, "tags or entity types");
    options.add("class_filter", class_filter,
                "msra: elements that are entities, as NAMEX,TIMEX,NUMEX, comma between; none: all");
    columns.declare(options);
    options.add("split_begin", split_begin, "where to begin in each file, as a part of its sentences")
        .between(0, 1);
    options.add("split_end", split_end, "where to end").between(0, 1);
    options.group("Records");
    records.declare_output(options);
    options
        .add("label_protocol", label_protocol,
             "label the first piece of a word, others having -100, or all pieces: X, [CLS] and [SEP] as "
             "tags, no [SEP], or all as O")
        .choices({"first_piece", "x_pieces", "x_pieces_no_sep", "all_pieces"});
    options.add("long_sentences", long_sentences, "what is longer becomes several records, or is cut off")
        .choices({"split", "cut"});
  }

  std::set<std::string> class_filters() const {
    const std::vector<std::string> parts = comma_parts(class_filter);
    return {parts.begin(), parts.end()};
  }

  const Preset& finish(Options& options) {
    check(!dataset_name.empty(),
          "--dataset_name is missing: expected one of conll2003, chinesener, cluener, msra");
    const auto found = std::find_if(presets.begin(), presets.end(),
                                    [&](const Preset& preset) { return dataset_name == preset.name; });
    check(split_begin < split_end, "--split_begin {} is not below --split_end {}", split_begin, split_end);
    check(class_filter.empty() || dataset_name == "msra", "--class_filter is for --dataset_name msra");
    options.preset("max_seq_length", found->max_seq_length, dataset_name);
    options.preset("label_protocol", found->label_protocol, dataset_name);
    options.preset("long_sentences", found->long_sentences, dataset_name);
    return *found;
  }
};

LabelProtocol parse_protocol(const std::string& name) {
  for (const LabelProtocol protocol :
       {LabelProtocol::x_pieces, LabelProtocol::x_pieces_no_sep, LabelProtocol::all_pieces}) {
    if (name == name_of(protocol)) return protocol;
  }
  return LabelProtocol::first_piece;
}

NerData read_text(const Settings& settings, const std::string& path, NerTags tags) {
  NerData data = [&] {
    const Phase phase(fmt::format("reading {}", path));
    return settings.dataset_name == "msra" && path.find(".xml") != std::string::npos
               ? read_msra_xml(path, settings.class_filters())
               : read_ner(path, tags, settings.columns.columns("--label_file", settings.records.label_file));
  }();
  print_log(stdout, "{}", data.log());
  const auto count = static_cast<double>(data.sentences.size());
  const auto begin = static_cast<std::ptrdiff_t>(count * settings.split_begin),
             end = static_cast<std::ptrdiff_t>(count * settings.split_end);
  if (begin == 0 && end == static_cast<std::ptrdiff_t>(data.sentences.size())) return data;
  print_log(stdout, "{}: {}, {} of them selected\n", path, counted(data.sentences.size(), "sentence"),
            end - begin);
  check(begin < end, "{}: {} sentences, of which --split_begin {} to --split_end {} are none", path,
        data.sentences.size(), settings.split_begin, settings.split_end);
  data.sentences.erase(data.sentences.begin() + end, data.sentences.end());
  data.sentences.erase(data.sentences.begin(), data.sentences.begin() + begin);
  return data;
}

// The tags of CLUENER, in the order of the records of mindspore-ai/models: O, then B-, M-, E-, S- of all types.
LabelList cluener_labels(const std::vector<std::string>& types) {
  std::vector<std::string> tags{"O"};
  for (const char* position : {"B-", "M-", "E-", "S-"}) {
    for (const std::string& type : types) tags.push_back(position + type);
  }
  return LabelList(std::move(tags));
}

const std::vector<std::string> cluener_types{"address", "book", "company",      "game",     "government",
                                             "movie",   "name", "organization", "position", "scene"};

// One file of the data set, read, and where its records go.
struct Work {
  NerData data;
  RecordJob job;
};

std::vector<Work> read_texts(const Settings& settings, const RecordFolder& folder) {
  std::vector<Work> works;
  for (const RecordJob& job : folder.jobs()) {
    NerData data = read_text(settings, job.text, job.split == 2 ? NerTags::optional : NerTags::required);
    for (NerSentence& sentence : data.sentences) {
      if (sentence.tags.empty()) sentence.tags.assign(sentence.words.size(), "O");
    }
    data.labelled = true;
    works.push_back({std::move(data), job});
  }
  return works;
}

// The labels of a new list: those named, the data set's own, or those of the data.
LabelList new_labels(const Settings& settings, const std::vector<Work>& works) {
  const std::string& named = settings.records.label_file;
  if (!named.empty()) return LabelList::load(named);
  if (settings.dataset_name == "cluener") return cluener_labels(cluener_types);
  std::set<std::string> tags;
  for (const Work& work : works) tags.merge(work.data.tags());
  return LabelList::from_data(tags);
}

LabelList labels_of(const Settings& settings, const RecordFolder& folder, LabelProtocol protocol,
                    const std::vector<Work>& works) {
  if (!folder.keeps_label_list()) {
    LabelList labels = new_labels(settings, works);
    add_protocol_labels(protocol, labels);
    return labels;
  }
  LabelList labels = LabelList::load(folder.label_list());
  print_log(stdout, "labels: those of {}\n", folder.label_list());
  if (!settings.records.label_file.empty()) {
    LabelList asked = LabelList::load(settings.records.label_file);
    add_protocol_labels(protocol, asked);
    folder.check_asked_labels(asked.tags(), labels.tags());
  }
  for (const char* tag : {"X", "[CLS]", "[SEP]"}) {
    LabelList needed(std::vector<std::string>{"O"});
    add_protocol_labels(protocol, needed);
    check(needed.find(tag) < 0 || labels.find(tag) >= 0, "{}: no label {}, which --label_protocol {} needs{}",
          folder.label_list(), tag, name_of(protocol),
          folder.kept().empty()
              ? ""
              : fmt::format("; {} was made with these: name another --output_dir", folder.kept().front()));
  }
  return labels;
}

int run(int argc, char** argv) {
  Settings settings;
  Options options("generate_ner_records", purpose, example);
  settings.declare(options);
  if (!options.parse(argc, argv)) return 0;
  const Preset& preset = settings.finish(options);
  options.print_effective(stdout);

  const StoredTokenizer stored = settings.records.tokenizer.load(stdout);
  const Tokenizer tokenizer = settings.records.tokenizer.make(stored);
  const RecordFolder folder(settings.records, preset.splits, preset.mindrecord_ending, true);
  const std::vector<Work> works = read_texts(settings, folder);
  if (works.empty()) return 0;
  const auto length = static_cast<int32_t>(settings.records.max_seq_length);
  const NerFeatureOptions features{
      length, parse_protocol(settings.label_protocol),
      settings.long_sentences == "cut" ? LongSentences::cut : LongSentences::split};
  const LabelList labels = labels_of(settings, folder, features.protocol, works);
  // All files are cut into pieces before the first is written: a wrong tag in the last leaves nothing half done.
  std::vector<NerExamples> examples;
  for (const Work& work : works) {
    Phase phase("tokenizing " + work.data.path, std::ssize(work.data.sentences));
    examples.push_back(make_ner_examples(work.data, tokenizer, &labels, features,
                                         [&](size_t count) { phase.done(static_cast<int64_t>(count)); }));
  }
  std::vector<RecordList> lists{{folder.label_list(), labels.text()}};
  const fs::path types = fs::path(settings.records.output_dir) / "label.txt";
  if (settings.dataset_name == "cluener" && settings.records.label_file.empty() &&
      (settings.records.overwrite || !fs::exists(types)))
    lists.push_back({types, fmt::format("{}\n", joined(cluener_types, "\n"))});
  RecordFiles files(settings.records, lists);
  for (size_t i = 0; i < works.size(); ++i) {
    const std::vector<NerExample>& made = examples[i].examples;
    files.write(
        works[i].job, ner_record_columns(), made.size(),
        [&](size_t k) { return make_ner_record(made[k], length); }, examples[i].counts.str());
  }
  files.finish();
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return run_main(argc, argv, run); }
