// A libFuzzer program for every reader of files: FUZZ_READER names the one to feed. What a reader makes of any bytes
// is an Error or what it read; a crash, a leak, a hang or an allocation out of proportion is a bug.
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/io/checked_json.h"
#include "data/class_labels.h"
#include "data/classification_records.h"
#include "data/classification_text.h"
#include "data/dataset.h"
#include "data/mind_record.h"
#include "data/msra_xml.h"
#include "data/ner_table.h"
#include "data/ner_text.h"
#include "data/pretraining_instances.h"
#include "data/pretraining_records.h"
#include "data/squad_features.h"
#include "data/table_rows.h"
#include "data/tf_example.h"
#include "data/tf_record.h"
#include "data/tokenizer_config.h"
#include "data/vocab.h"
#include "nn/bert_config.h"
#include "nn/checkpoints/checkpoint_file.h"
#include "nn/checkpoints/pytorch_storages.h"
#include "nn/export/onnx_header.h"
#include "tasks/launch/hosts.h"
#include "tasks/launch/ini_file.h"
#include "tasks/model_request.h"
#include "tasks/options/config_file.h"
#include "tasks/serve/request.h"

using namespace gradus;
namespace fs = std::filesystem;

namespace {

using Bytes = std::string_view;

// The files that inputs become; in memory where there is such a folder.
const fs::path& folder() {
  static const fs::path path = [] {
    const fs::path parent = fs::exists("/dev/shm") ? "/dev/shm" : fs::temp_directory_path();
    const fs::path made = parent / fmt::format("gradus-fuzz-{}", ::getpid());
    fs::create_directories(made);
    std::atexit([] { fs::remove_all(folder()); });
    return made;
  }();
  return path;
}

std::string write(const char* name, Bytes bytes) {
  const std::string path = (folder() / name).string();
  std::FILE* file = std::fopen(path.c_str(), "wb");
  if (file == nullptr || std::fwrite(bytes.data(), 1, bytes.size(), file) != bytes.size()) std::abort();
  std::fclose(file);
  return path;
}

// The pickles of what torch.save writes, and the tensors that they describe. Checksums of an archive are not compared: they would keep what
// was changed from being read.
void read_pickles(Bytes input) {
  const auto read_tensors = [](const Pickle& pickle, PyTorchStorages& storages) {
    for (const PickleValue* value : pickle.root().items)
      if (is_tensor(*value)) storages.view_of(*value, "input");
  };
  if (!input.starts_with("PK")) {
    for (size_t begin = 0, pickles = 0; pickles < 5 && begin < input.size(); ++pickles) {
      const Pickle pickle(input, begin, "input", pytorch_names());
      begin = pickle.end();
      PyTorchStorages storages(pickle, "input");
      read_tensors(pickle, storages);
    }
    return;
  }
  const ZipArchive archive(input, "input");
  constexpr Bytes name = "data.pkl";
  for (const ZipArchive::Entry& entry : archive.entries()) {
    if (!entry.name.ends_with(name)) continue;
    const Pickle pickle(entry.content, 0, "input", pytorch_names());
    PyTorchStorages storages(pickle, "input");
    storages.find_in(archive, std::string(entry.name.substr(0, entry.name.size() - name.size())));
    read_tensors(pickle, storages);
  }
}

// Two files in one input: the length of the first in four bytes, then both.
std::pair<Bytes, Bytes> halves(Bytes input) {
  uint32_t size = 0;
  if (input.size() < sizeof size) return {input, {}};
  std::memcpy(&size, input.data(), sizeof size);
  input.remove_prefix(sizeof size);
  const size_t first = std::min<size_t>(size, input.size());
  return {input.substr(0, first), input.substr(first)};
}

void read_tf_record(Bytes input, const char* name) {
  TfRecordReader reader(write(name, input));
  try {
    const std::vector<uint64_t> places = reader.find_records();
    std::string_view record;
    for (size_t i = places.size(); i-- > 0;) {
      reader.seek(places[i], static_cast<int64_t>(i) + 1);
      reader.next(record);
      if (places.size() - i > 3) break;
    }
  } catch (const Error&) {
  }
  reader.seek(0, 1);
  for (std::string_view record; reader.next(record);) {
  }
}

void read_mind_record(const std::string& path) {
  MindRecordReader reader(std::vector<std::string>{path});
  for (MindRecordRow row; reader.next(row);) {
  }
  reader.seek(reader.rows() / 2);
  MindRecordRow row;
  reader.next(row);
}

// The first line names the form; where there is none of the name, its first byte does.
void read_texts(Bytes input) {
  if (input.empty()) return;
  const Bytes name = input.substr(0, input.find('\n'));
  const ClassificationForm* form = find_classification_form(name);
  const auto& forms = classification_forms();
  if (form == nullptr) form = &forms[static_cast<unsigned char>(input[0]) % forms.size()];
  const std::string path = write("x.txt", input.substr(std::min(name.size() + 1, input.size())));
  const auto read = [&](ClassLabelUse use, const ClassificationColumns& columns) {
    try {
      read_classification(path, *form, use, columns, true).found_labels();
    } catch (const Error&) {
    }
  };
  ClassificationColumns columns{{}, {}, {}, 0, form->language.empty() ? "" : "zh"};
  read(ClassLabelUse::optional, columns);
  read(ClassLabelUse::ignored, columns);
  // Any number of labels, in one column and in columns of their own.
  columns.several_labels = true;
  read(ClassLabelUse::optional, columns);
  columns.label_columns = {{"--label_columns", "label"}, {"--label_columns", "2"}};
  read(ClassLabelUse::optional, columns);
}

// A table of words, and its rows: each word has one, whoever asks for them.
void read_word_table(Bytes input) {
  // The length says what parts the cells, so that a seed is a whole file.
  const std::string path = write(input.size() % 2 == 0 ? "x.csv" : "x.tsv", input);
  const NerColumns columns{{}, {}, {"--sentence_column", "1"}};
  const NerData data = read_ner(path, NerTags::optional, columns);
  LineReader lines(path);
  NerTableReader table(lines, std::nullopt, columns);
  std::vector<NerTableRow> rows;
  size_t sentences = 0, words = 0;
  for (NerSentence sentence; table.next(sentence, &rows); ++sentences) {
    if (sentence.words != data.sentences.at(sentences).words) std::abort();
    words += sentence.words.size();
  }
  const auto is_word = [](const NerTableRow& row) { return row.kind == NerTableRow::Kind::word; };
  const auto of_words = static_cast<size_t>(std::ranges::count_if(rows, is_word));
  if (sentences != data.sentences.size() || words != of_words) std::abort();
  read_ner(path, NerTags::optional);
}

std::vector<std::vector<std::string>> csv_cells(const std::string& path, TableLook& look) {
  LineReader lines(path);
  TableRows rows(lines, look.delimiter);
  look = rows.look();
  std::vector<std::vector<std::string>> cells;
  for (TableRow row; rows.next(row);) cells.push_back(row.cells);
  return cells;
}

// Cells that were read are written so that they are read again.
void read_csv(Bytes input) {
  TableLook look{true, 0};
  const auto cells = csv_cells(write("x.csv", input), look);
  std::string text = "first\n";
  for (const auto& row : cells) {
    for (size_t i = 0; i < row.size(); ++i)
      text.append(i == 0 ? "" : std::string(1, look.delimiter)).append(table_cell(row[i], look));
    text += '\n';
  }
  auto again = csv_cells(write("y.csv", text), look);
  again.erase(again.begin());
  if (again != cells) std::abort();
}

void read_checkpoint(const std::string& path) {
  const CheckpointFile file(path);
  for (const TensorEntry& tensor : file.tensors()) {
    std::vector<double> values(static_cast<size_t>(std::min<int64_t>(tensor.elements(), 1000)));
    copy_as_double(tensor, 0, values);
  }
}

const Tokenizer& tokenizer() {
  static const Vocab vocab(
      {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "##a", "b", "##b", ".", "的", "##的", "the"});
  static const Tokenizer tokenizer(vocab, TokenizerRules::google, true);
  return tokenizer;
}

// Small windows, so that short texts give several. In parts there are as many questions.
void read_questions(Bytes input) {
  const std::string path = write("x.json", input);
  const SquadData data = read_squad(path, true);
  size_t questions = 0;
  read_squad(path, 10, [&](SquadData& part) { questions += part.questions.size(); });
  if (questions != data.questions.size()) std::abort();
  for (const SquadRow& row : data.rows) {
    if (row.question >= questions) std::abort();
  }
  for (const SquadQuestion& question : data.questions) {
    const std::string& text = data.contexts[static_cast<size_t>(question.context)];
    const SquadContext context = make_squad_context(text, tokenizer());
    for (const AnswerSearch search : {AnswerSearch::words, AnswerSearch::characters}) {
      PieceSpan answer;
      if (!question.answers.empty())
        answer = find_answer(text, context, question.answers.front(), tokenizer(), search);
      make_squad_windows(tokenizer().tokenize(question.text), context, answer, tokenizer().vocab(),
                         {12, 3, 4, search});
    }
  }
}

void make_examples(Bytes input) {
  PretrainingText text({write("x.txt", input)}, PretrainingForm::automatic, tokenizer(), 1);
  PythonRandom random(1);
  PretrainingOptions options;
  options.max_seq_length = 16;
  options.whole_word_mask = true;
  for (PretrainingDocuments part; text.next(part, 1000);)
    PretrainingInstances(part, tokenizer().vocab(), options, random);
}

// Asks a value for everything that it is and is not.
void read_fields(const JsonField& field) {
  const auto wrong = [](const auto& read) {
    try {
      read();
    } catch (const Error&) {
    }
  };
  wrong([&] { field.boolean(); });
  wrong([&] { field.integer(1, 7); });
  wrong([&] { field.number(); });
  wrong([&] { field.text(); });
  wrong([&] { field.numbers(); });
  wrong([&] { field.at("step"); });
  if (field.value().is_array()) {
    for (const auto& item : field.items()) read_fields(item);
  } else if (field.value().is_object()) {
    for (const auto& [name, member] : field.members()) read_fields(member);
  }
}

// The state of a training and the other JSON files of ours are read so.
void read_json_files(Bytes input) {
  const std::string path = write("trainer_state.json", input);
  const Json json = read_json(path);
  if (parse_json(json_text(json), path) != json || sorted(json) != json) std::abort();
  read_fields(JsonField(json, path));
  size_t at = 0;
  const auto next = [&] {
    const Bytes piece = input.substr(at, 5);
    at += piece.size();
    return piece;
  };
  parse_json(next, "input", [](std::span<const std::string> names, Json&) { return names.size() > 2; });
}

// What other languages ask, of a model of each task, and the options that they open one with.
void read_requests(Bytes input) {
  const Json json = parse_json(input, "input");
  for (const RequestKind kind : {RequestKind::texts, RequestKind::pairs, RequestKind::questions}) {
    try {
      const ModelRequest request = parse_request(json, kind);
      if (request.one && request.texts.size() + request.pairs.size() != 1) std::abort();
    } catch (const Error&) {
    }
  }
  parse_pipeline_options(json);
}

// What a server is asked, for a model of each task.
void read_served_requests(Bytes input) {
  const ServedRequest request = take_request(input);
  for (const RequestKind kind : {RequestKind::texts, RequestKind::pairs, RequestKind::questions}) {
    try {
      const ServedTexts texts = texts_of(request.rest, kind);
      if (texts.queries.size() > most_texts || (texts.one && texts.queries.size() != 1)) std::abort();
    } catch (const Error&) {
    }
  }
}

const std::map<std::string, std::function<void(Bytes)>> readers{
    {"tfrecord", [](Bytes input) { read_tf_record(input, "x.tfrecord"); }},
    {"tfrecord_gzip", [](Bytes input) { read_tf_record(input, "x.gz"); }},
    {"tf_example",
     [](Bytes input) {
       TfExample example;
       example.parse(input, "input");
     }},
    {"mindrecord",
     [](Bytes input) {
       fs::remove(folder() / "x.mindrecord.db");
       read_mind_record(write("x.mindrecord", input));
     }},
    {"mindrecord_index",
     [](Bytes input) {
       const auto [data, index] = halves(input);
       write("x.mindrecord.db", index);
       read_mind_record(write("x.mindrecord", data));
     }},
    {"safetensors", [](Bytes input) { read_checkpoint(write("x.safetensors", input)); }},
    {"mindspore", [](Bytes input) { read_checkpoint(write("x.ckpt", input)); }},
    {"pytorch", [](Bytes input) { read_checkpoint(write("x.bin", input)); }},
    {"pickle", read_pickles},
    {"pytorch_index",
     [](Bytes input) {
       const auto [index, data] = halves(input);
       write("x-1.bin", data);
       read_checkpoint(write("x.bin.index.json", index));
     }},
    {"tensorflow",
     [](Bytes input) {
       const auto [index, data] = halves(input);
       write("x.data-00000-of-00001", data);
       read_checkpoint(write("x.index", index));
     }},
    {"bert_config", [](Bytes input) { parse_bert_config(input, "input", BertConfigFormat::hugging_face); }},
    {"ner_text",
     [](Bytes input) {
       read_ner(write("x.txt", input), NerTags::optional,
                {{}, {}, {}, {"--label_file_path", {"O", "B-PER", "I-PER"}}});
     }},
    {"ner_table", read_word_table},
    {"classification_text", read_texts},
    {"csv", read_csv},
    {"classification_records",
     [](Bytes input) {
       // The length names the kind of labels, so that a seed is a whole file.
       const ProblemType problem = problem_types[input.size() % problem_types.size()].first;
       read_classification_records(write("x.tfrecord", input), DatasetFormat::tfrecord, "",
                                   {problem, 3, 30522, 2, 512});
     }},
    {"class_labels", [](Bytes input) { ClassLabels::load(write("x.txt", input)); }},
    {"msra_xml", [](Bytes input) { read_msra_xml(write("x.xml", input)); }},
    {"squad", read_questions},
    {"pretraining_text", make_examples},
    {"pretraining_records",
     [](Bytes input) {
       PretrainingRecordStream records(write("x.tfrecord", input),
                                       {.format = DatasetFormat::tfrecord, .schema_path = ""}, {30522, 512});
       records.read(1000, [](PretrainingExample) {});
     }},
    {"tokenizer_config",
     [](Bytes input) {
       fs::remove(folder() / "tokenizer.json");
       write("vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n##a\n");
       read_tokenizer(write("tokenizer_config.json", input));
     }},
    {"tokenizer_json",
     [](Bytes input) {
       fs::remove(folder() / "tokenizer_config.json");
       read_tokenizer(write("tokenizer.json", input));
     }},
    {"vocab", [](Bytes input) { Vocab::load(write("vocab.txt", input)); }},
    {"json", read_json_files},
    {"model_request", read_requests},
    {"served_request", read_served_requests},
    {"onnx", [](Bytes input) { onnx::parse_header(input, "input"); }},
    {"schema", [](Bytes input) { schema_rows(write("schema.json", input)); }},
    {"yaml",
     [](Bytes input) {
       ConfigFile config(write("x.yaml", input));
       config.find("a.b");
       config.unused();
     }},
    {"ini", [](Bytes input) { read_ini(write("x.ini", input), "config"); }},
    {"host_file", [](Bytes input) { read_host_file(write("hosts", input)); }},
    {"rank_table", [](Bytes input) { read_rank_table(write("hccl.json", input)); }},
};

const std::function<void(Bytes)>& chosen_reader() {
  const char* name = std::getenv("FUZZ_READER");
  const auto found = readers.find(name == nullptr ? "" : name);
  if (found != readers.end()) return found->second;
  fmt::print(stderr, "FUZZ_READER: expected one of");
  for (const auto& [known, reader] : readers) fmt::print(stderr, " {}", known);
  fmt::print(stderr, "\n");
  std::exit(2);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::function<void(Bytes)>& read = chosen_reader();
  try {
    read(Bytes(reinterpret_cast<const char*>(data), size));
  } catch (const Error&) {
  }
  return 0;
}
