// generate_ner_records: makes records of token ids of the published named-entity data sets, and of others in their forms.
#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>
#include <sstream>

#include "core/error.h"
#include "core/files.h"
#include "data/dataset.h"
#include "data/msra_xml.h"
#include "data/ner_records.h"
#include "data/ner_text.h"
#include "tasks/config.h"
#include "tasks/main.h"

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

constexpr const char* label_list_name = "label_list.txt";

// One of the three files of a data set.
struct Split {
  const char* file;    // in --data_dir
  const char* output;  // in --output_dir, without the ending
};

struct Preset {
  const char* name;
  std::array<Split, 3> splits;  // to train on, to score on, to label
  const char* mindrecord_ending;
  const char* max_seq_length;
  const char* label_protocol;
  const char* long_sentences;
};

// File names, lengths and labels are those of the programs that introduced these records: kyzhouhzau/BERT-NER (conll2003;
// by words here, without X), macanv/BERT-BiLSTM-CRF-NER (chinesener) and mindspore-ai/models (the others).
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
  std::string data_dir = ".";
  std::string vocab_file = "./vocab.txt";
  std::string output_dir = "./outputs";
  std::array<bool, 3> wanted{true, true, true};
  std::array<std::string, 3> files;
  std::string class_filter;
  double split_begin = 0, split_end = 1;
  std::string label_file;
  std::string dataset_format = "mindrecord";
  std::string do_lower_case = "auto";
  std::string tokenizer = "google";
  int64_t max_seq_length = 128;
  std::string label_protocol = "first_piece";
  std::string long_sentences = "split";
  bool overwrite = false;

  void declare(Options& options) {
    options.group("Input");
    options.add("dataset_name", dataset_name, "whose file names, lengths and labels to use")
        .alias("task_name")
        .choices({"conll2003", "chinesener", "cluener", "msra"});
    options.add("data_dir", data_dir, "folder of the files");
    options.add("do_train", wanted[0], "make the records to train on");
    options.add("do_eval", wanted[1], "make the records to score on");
    options.add("do_predict", wanted[2], "make the records of the third file, without tags perhaps");
    options.add("train_file", files[0], "text in data_dir; none: the data set's own name");
    options.add("eval_file", files[1], "likewise");
    options.add("predict_file", files[2], "likewise");
    options.add("class_filter", class_filter,
                "msra: elements that are entities, as NAMEX,TIMEX,NUMEX, comma between; none: all");
    options.add("split_begin", split_begin, "where to begin in each file, as a part of its sentences")
        .between(0, 1);
    options.add("split_end", split_end, "where to end").between(0, 1);
    options.add("vocab_file", vocab_file, "word pieces, one a line");
    options.add(
        "label_file", label_file,
        "tags or entity types, one a line; none: label_list.txt of output_dir, or else those of the data");
    options.group("Records");
    options.add("output_dir", output_dir, "folder to write to, made when it is not there");
    options.add("dataset_format", dataset_format, "what to write").choices({"mindrecord", "tfrecord"});
    options.add("overwrite", overwrite, "make files anew that are there already; otherwise they are kept");
    options.add("max_seq_length", max_seq_length, "numbers in a record").between(3, 1 << 20);
    options.add("do_lower_case", do_lower_case, "auto: unless the vocabulary has capital letters")
        .choices({"auto", {"true", {"1"}}, {"false", {"0"}}});
    options.add("tokenizer", tokenizer, "rules as in the BERT reference code or Hugging Face's BertTokenizer")
        .choices({"google", "hf"});
    options
        .add("label_protocol", label_protocol,
             "label the first piece of a word, others having -100, or all pieces: X, [CLS] and [SEP] as "
             "tags, no "
             "[SEP], or all as O")
        .choices({"first_piece", "x_pieces", "x_pieces_no_sep", "all_pieces"});
    options.add("long_sentences", long_sentences, "what is longer becomes several records, or is cut off")
        .choices({"split", "cut"});
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

std::set<std::string> split_at_commas(const std::string& text) {
  std::set<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, ',');) {
    if (!part.empty()) parts.insert(part);
  }
  return parts;
}

NerData read_text(const Settings& settings, const std::string& path, NerTags tags) {
  NerData data = settings.dataset_name == "msra" && path.find(".xml") != std::string::npos
                     ? read_msra_xml(path, split_at_commas(settings.class_filter))
                     : read_ner(path, tags);
  const auto count = static_cast<double>(data.sentences.size());
  const auto begin = static_cast<std::ptrdiff_t>(count * settings.split_begin),
             end = static_cast<std::ptrdiff_t>(count * settings.split_end);
  if (begin == 0 && end == static_cast<std::ptrdiff_t>(data.sentences.size())) return data;
  fmt::print("{}: {} sentences, {} of them selected\n", path, data.sentences.size(), end - begin);
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
  fs::path output;
};

std::vector<Work> read_texts(const Settings& settings, const Preset& preset) {
  const std::string ending = settings.dataset_format == "tfrecord" ? ".tf_record" : preset.mindrecord_ending;
  std::vector<Work> works;
  for (size_t i = 0; i < preset.splits.size(); ++i) {
    if (!settings.wanted[i]) continue;
    const fs::path output = fs::path(settings.output_dir) / (preset.splits[i].output + ending);
    if (fs::exists(output) && !settings.overwrite) {
      fmt::print("{} is there already: kept (--overwrite true makes it anew)\n", output.string());
      continue;
    }
    const bool last = i + 1 == preset.splits.size();
    const std::string name = settings.files[i].empty() ? preset.splits[i].file : settings.files[i];
    NerData data = read_text(settings, (fs::path(settings.data_dir) / name).string(),
                             last ? NerTags::optional : NerTags::required);
    for (NerSentence& sentence : data.sentences) {
      if (sentence.tags.empty()) sentence.tags.assign(sentence.words.size(), "O");
    }
    data.labelled = true;
    works.push_back({std::move(data), output});
  }
  return works;
}

// The records in the folder that this run leaves as they are: their labels stay what they were made with.
std::vector<std::string> kept_records(const Settings& settings, const Preset& preset,
                                      const std::vector<Work>& works) {
  std::vector<std::string> kept;
  for (const Split& split : preset.splits) {
    for (const char* ending : {preset.mindrecord_ending, ".tf_record"}) {
      const fs::path path = fs::path(settings.output_dir) / (std::string(split.output) + ending);
      const bool is_made =
          std::any_of(works.begin(), works.end(), [&](const Work& work) { return work.output == path; });
      if (!is_made && fs::exists(path)) kept.push_back(path.string());
    }
  }
  return kept;
}

// The labels of a new list: those named, the data set's own, or those of the data.
LabelList new_labels(const Settings& settings, const std::vector<Work>& works) {
  if (!settings.label_file.empty()) return LabelList::load(settings.label_file);
  if (settings.dataset_name == "cluener") return cluener_labels(cluener_types);
  std::set<std::string> tags;
  for (const Work& work : works) tags.merge(work.data.tags());
  return LabelList::from_data(tags);
}

// label_list.txt belongs to all records of the folder: it stays while there are such that it was written for.
LabelList labels_of(const Settings& settings, const Preset& preset, LabelProtocol protocol,
                    const std::vector<Work>& works) {
  const std::string beside = (fs::path(settings.output_dir) / label_list_name).string();
  const std::vector<std::string> kept = kept_records(settings, preset, works);
  const bool stays =
      fs::exists(beside) && (!kept.empty() || (!settings.overwrite && settings.label_file.empty()));
  if (!stays) {
    LabelList labels = new_labels(settings, works);
    add_protocol_labels(protocol, labels);
    return labels;
  }
  LabelList labels = LabelList::load(beside);
  fmt::print("labels: those of {}\n", beside);
  if (!settings.label_file.empty()) {
    LabelList asked = LabelList::load(settings.label_file);
    add_protocol_labels(protocol, asked);
    check(asked.tags() == labels.tags(),
          "{}: the labels {}, but {} was made with {}: name another --output_dir", settings.label_file,
          fmt::join(asked.tags(), ", "), kept.front(), fmt::join(labels.tags(), ", "));
  }
  for (const char* tag : {"X", "[CLS]", "[SEP]"}) {
    LabelList needed(std::vector<std::string>{"O"});
    add_protocol_labels(protocol, needed);
    check(
        needed.find(tag) < 0 || labels.find(tag) >= 0, "{}: no label {}, which --label_protocol {} needs{}",
        beside, tag, name_of(protocol),
        kept.empty() ? "" : fmt::format("; {} was made with these: name another --output_dir", kept.front()));
  }
  return labels;
}

void write_records(const Work& work, const NerExamples& examples, const Settings& settings) {
  const auto writer = DatasetWriter::create(
      work.output.string(), parse_dataset_format(settings.dataset_format), ner_record_columns());
  for (const NerExample& example : examples.examples)
    writer->write(make_ner_record(example, static_cast<int32_t>(settings.max_seq_length)));
  writer->finish();
  fmt::print("{}: {}\nTotal instances is:  {}\n", work.output.string(), examples.counts.str(),
             examples.examples.size());
}

int run(int argc, char** argv) {
  Settings settings;
  Options options("generate_ner_records", purpose, example);
  settings.declare(options);
  if (!options.parse(argc, argv)) return 0;
  const Preset& preset = settings.finish(options);
  options.print_effective(stdout);

  const Vocab vocab = Vocab::load(settings.vocab_file);
  const bool lower =
      settings.do_lower_case == "auto" ? !vocab.has_capitals() : settings.do_lower_case == "true";
  const Tokenizer tokenizer(vocab, settings.tokenizer == "hf" ? TokenizerRules::hf : TokenizerRules::google,
                            lower);
  fs::create_directories(settings.output_dir);
  const std::vector<Work> works = read_texts(settings, preset);
  if (works.empty()) return 0;
  const NerFeatureOptions features{
      static_cast<int32_t>(settings.max_seq_length), parse_protocol(settings.label_protocol),
      settings.long_sentences == "cut" ? LongSentences::cut : LongSentences::split};
  const LabelList labels = labels_of(settings, preset, features.protocol, works);
  // All files are cut into pieces before the first is written: a wrong tag in the last leaves nothing half done.
  std::vector<NerExamples> examples;
  for (const Work& work : works)
    examples.push_back(make_ner_examples(work.data, tokenizer, &labels, features));
  labels.save((fs::path(settings.output_dir) / label_list_name).string());
  const fs::path types = fs::path(settings.output_dir) / "label.txt";
  if (settings.dataset_name == "cluener" && settings.label_file.empty() &&
      (settings.overwrite || !fs::exists(types)))
    replace_file(types, fmt::format("{}\n", fmt::join(cluener_types, "\n")));
  for (size_t i = 0; i < works.size(); ++i) write_records(works[i], examples[i], settings);
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return run_main(argc, argv, run); }
