// Records of named-entity data: what generate_ner_records writes and run_ner reads.
#include "data/ner_records.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "core/error.h"
#include "tests/json.h"
#include "tests/tasks/tiny_ner.h"

using namespace gradus;

namespace {

// Makes records of the tiny sentences, in records/ of its folder, and returns what the program printed.
std::string generate(const TinyNer& tiny, const Words& more = {}) {
  Words flags{"--dataset_name=conll2003",
              "--data_dir=" + tiny.path(""),
              "--eval_file=train.txt",
              "--do_predict=false",
              "--output_dir=" + tiny.path("records"),
              "--vocab_file=" + tiny.path("vocab.txt"),
              "--max_seq_length=24",
              "--tokenizer=hf"};
  flags.insert(flags.end(), more.begin(), more.end());
  const Outcome outcome = run_program("generate_ner_records", flags);
  REQUIRE_MESSAGE(outcome.status == 0, outcome.err);
  return outcome.out;
}

Words from_records(const TinyNer& tiny, const std::string& format, const std::string& ending,
                   const Words& more = {}) {
  Words flags{"--dataset_format=" + format, "--train_data_file_path=" + tiny.path("records/train" + ending),
              "--eval_data_file_path=" + tiny.path("records/eval" + ending)};
  flags.insert(flags.end(), more.begin(), more.end());
  return flags;
}

std::string weights(const TinyNer& tiny) { return file_content(tiny.path("save/best/model.safetensors")); }

void clear(const TinyNer& tiny) { std::filesystem::remove_all(tiny.path("save")); }

// A record with everything right, to be spoilt: the tags of tiny's sentences have the ids 0 to 4.
DatasetRow good_row() {
  DatasetRow row(4);
  row[0].ints = {2, 5, 6, 3, 0};
  row[1].ints = {1, 1, 1, 1, 0};
  row[2].ints = {0, 0, 0, 0, 0};
  row[3].ints = {-100, 1, 0, -100, -100};
  return row;
}

}  // namespace

TEST_CASE("a tagger trained on records is, bit by bit, the one trained on the text") {
  const TinyNer tiny;
  for (const Words& head :
       {Words{"--label_protocol=first_piece"}, Words{"--label_protocol=x_pieces", "--use_crf", "--with_lstm"},
        Words{"--label_protocol=x_pieces_no_sep", "--use_crf"}, Words{"--label_protocol=all_pieces"}}) {
    CAPTURE(head.front());
    clear(tiny);
    std::filesystem::remove_all(tiny.path("records"));
    tiny.print(tiny.training(head));
    const std::string from_text = weights(tiny);
    // Of all pieces labelled alike the records can't tell which begin a word: each is scored as one.
    const bool by_words = head.front() != "--label_protocol=all_pieces";
    const double span_f1 = tiny.score("span_f1");
    for (const auto& [format, ending] :
         {std::pair{"mindrecord", ".mindrecord"}, {"tfrecord", ".tf_record"}}) {
      CAPTURE(format);
      generate(tiny, {head.front(), "--overwrite", "--dataset_format=" + std::string(format)});
      clear(tiny);
      // The protocol is told by the records.
      tiny.print(tiny.training(from_records(tiny, format, ending, {head.begin() + 1, head.end()})));
      CHECK(weights(tiny) == from_text);
      CHECK((!by_words || tiny.score("span_f1") == span_f1));
      tiny.print(tiny.scoring(tiny.path("save/best"),
                              {"--dataset_format=" + std::string(format),
                               "--eval_data_file_path=" + tiny.path("records/eval" + std::string(ending))}));
      CHECK((!by_words || tiny.score("span_f1") == span_f1));
    }
  }
}

TEST_CASE("records of every piece serve a tagger that looks at first pieces") {
  const TinyNer tiny;
  tiny.print(tiny.training());
  const std::string from_text = weights(tiny);
  tiny.write("labels.txt", "O\nB-LOC\nB-PER\nI-LOC\nI-PER\n");
  generate(tiny, {"--label_protocol=all_pieces", "--label_file=" + tiny.path("labels.txt")});
  clear(tiny);
  tiny.print(
      tiny.training(from_records(tiny, "mindrecord", ".mindrecord", {"--label_protocol=first_piece"})));
  // Further pieces of a word are labelled O, as words are: the records can't tell them apart.
  CHECK(weights(tiny) != from_text);
  tiny.refuse(tiny.training(from_records(tiny, "mindrecord", ".mindrecord", {"--label_protocol=x_pieces"})),
              "the records are labelled by the protocol all_pieces, the tagger by x_pieces");
}

TEST_CASE("the generator keeps what is there, and says what it did") {
  const TinyNer tiny;
  const std::string first = generate(tiny);
  CHECK_MESSAGE(first.find("12 sentences, 64 words, 75 pieces") != std::string::npos, first);
  CHECK(first.find("Total instances is:  12") != std::string::npos);
  CHECK(file_content(tiny.path("records/label_list.txt")) == "O\nB-LOC\nB-PER\nI-LOC\nI-PER\n");
  CHECK(generate(tiny).find("is there already: kept") != std::string::npos);
}

TEST_CASE("the generator takes the columns that are named, and refuses blanks that part none") {
  const TinyNer tiny;
  tiny.write("other.txt", "1 B-PER Anna x\n2 O left y\n");
  const std::string log = generate(
      tiny, {"--train_file=other.txt", "--eval_file=other.txt", "--text_column=3", "--label_column", "2"});
  CHECK_MESSAGE(log.find("other.txt: first sentence: Anna/B-PER left/O\n") != std::string::npos, log);
  CHECK(log.find(": not used: ") != std::string::npos);
  CHECK(file_content(tiny.path("records/label_list.txt")) == "O\nB-PER\n");
  tiny.write("odd.txt", "Anna\u00A0B-PER\nleft\u00A0O\n");
  const Outcome outcome = run_program(
      "generate_ner_records", {"--dataset_name=conll2003", "--data_dir=" + tiny.path(""),
                               "--predict_file=odd.txt", "--do_train=false", "--do_eval=false",
                               "--output_dir=" + tiny.path("odd"), "--vocab_file=" + tiny.path("vocab.txt")});
  CHECK(outcome.status == 2);
  CHECK_MESSAGE(
      outcome.err.find("odd.txt:1: found the word 'Anna<U+00A0>B-PER': U+00A0 in it parts no columns") !=
          std::string::npos,
      outcome.err);
}

TEST_CASE("the generator does not change the labels of records that it keeps") {
  const TinyNer tiny;
  generate(tiny);
  const std::string list = file_content(tiny.path("records/label_list.txt"));
  // This file has two of the tags; train.mindrecord, made before, has all.
  tiny.write("few.txt", "Anna B-PER\nlives O\n");
  generate(tiny, {"--overwrite", "--do_train=false", "--eval_file=few.txt"});
  CHECK(file_content(tiny.path("records/label_list.txt")) == list);
  const auto refused = [&](const Words& more, const std::string& text) {
    Words flags{"--dataset_name=conll2003",
                "--data_dir=" + tiny.path(""),
                "--eval_file=train.txt",
                "--do_predict=false",
                "--output_dir=" + tiny.path("records"),
                "--vocab_file=" + tiny.path("vocab.txt"),
                "--max_seq_length=24"};
    flags.insert(flags.end(), more.begin(), more.end());
    const Outcome outcome = run_program("generate_ner_records", flags);
    CHECK(outcome.status == 2);
    CHECK_MESSAGE(outcome.err.find(text) != std::string::npos, outcome.err);
    CHECK(file_content(tiny.path("records/label_list.txt")) == list);
  };
  refused({"--overwrite", "--do_train=false", "--label_file=" + tiny.write("types.txt", "PER\nLOC\n")},
          "name another --output_dir");
  refused({"--overwrite", "--do_train=false", "--label_protocol=x_pieces"},
          "no label X, which --label_protocol x_pieces");
  const std::string other = "O\nI-PER\nB-PER\nI-LOC\nB-LOC\n";
  generate(tiny, {"--overwrite", "--label_file=" + tiny.write("tags.txt", other)});
  CHECK(file_content(tiny.path("records/label_list.txt")) == other);
}

TEST_CASE("a trained tagger refuses records of other labels than its own") {
  const TinyNer tiny;
  tiny.print(tiny.training());
  generate(tiny);
  const Words flags = tiny.scoring(
      tiny.path("save/best"),
      {"--dataset_format=mindrecord", "--eval_data_file_path=" + tiny.path("records/eval.mindrecord")});
  tiny.print(flags);
  tiny.write("records/label_list.txt", "O\nB-PER\nB-LOC\nI-LOC\nI-PER\n");
  tiny.refuse(
      flags,
      "label_list.txt: the records have the labels O, B-PER, B-LOC, I-LOC, I-PER, the tagger has O, B-LOC");
}

TEST_CASE("records without any label are left out with a warning; a whole file of them is refused") {
  const TinyNer tiny;
  generate(tiny);
  const std::string path = tiny.path("records/train.tf_record");
  const auto write = [&](const std::vector<DatasetRow>& rows) {
    const auto writer = DatasetWriter::create(path, DatasetFormat::tfrecord, ner_record_columns());
    for (const DatasetRow& row : rows) writer->write(row);
    writer->finish();
  };
  DatasetRow unlabelled = good_row();
  unlabelled[3].ints.assign(5, -100);
  Words flags = tiny.training(from_records(tiny, "tfrecord", ".tf_record",
                                           {"--use_crf", "--crf_constraints", "--train_batch_size=1"}));
  flags.push_back("--eval_data_file_path=" + path);
  write({unlabelled, good_row(), unlabelled});
  CHECK(tiny.print(flags).find("2 records without a label are left out") != std::string::npos);
  write({unlabelled});
  tiny.refuse(flags, path + ": in none of 1 records a label: all are -100");
  DatasetRow with_cls = good_row();
  with_cls[3].ints = {0, 1, 0, 0, 0};
  write({with_cls});
  tiny.refuse(flags, "--crf_constraints needs first_piece");
}

TEST_CASE("a tagger learns from records that its words are characters, unknown ones too") {
  const TinyNer tiny;
  tiny.write("train.txt", "王 B-PER\n龙 I-PER\n在 O\n\n青 B-LOC\n州 I-LOC\n");
  generate(tiny);
  tiny.print(tiny.training(from_records(tiny, "mindrecord", ".mindrecord")));
  CHECK(file_content(tiny.path("save/best/config.json")).find(R"("characters": true)") != std::string::npos);
}

TEST_CASE("a tagger learns from records that marks stand inside its words") {
  const TinyNer tiny;
  tiny.write("train.txt", "Port.Mill B-LOC\nis O\nold O\n. O\n\nAnna B-PER\nleft O\n. O\n");
  for (const std::string protocol : {"first_piece", "x_pieces"}) {
    clear(tiny);
    std::filesystem::remove_all(tiny.path("records"));
    generate(tiny, {"--label_protocol=" + protocol});
    tiny.print(tiny.training(from_records(tiny, "mindrecord", ".mindrecord", {"--max_steps=1"})));
    CHECK(file_content(tiny.path("save/best/config.json")).find(R"("cut": "blanks")") != std::string::npos);
  }
}

TEST_CASE("a folder of records is read as one data set") {
  const TinyNer tiny;
  generate(tiny);
  tiny.print(tiny.training(from_records(tiny, "mindrecord", ".mindrecord")));
  const std::string from_file = weights(tiny);
  clear(tiny);
  std::filesystem::create_directory(tiny.path("folder"));
  for (const char* name : {"train.mindrecord", "train.mindrecord.db", "label_list.txt"})
    std::filesystem::rename(tiny.path("records/" + std::string(name)),
                            tiny.path("folder/" + std::string(name)));
  Words flags = tiny.training(from_records(tiny, "mindrecord", ".mindrecord"));
  std::erase_if(flags, [](const std::string& flag) { return flag.starts_with("--train_data_file_path"); });
  flags.push_back("--train_data_file_path=" + tiny.path("folder"));
  tiny.print(flags);
  CHECK(weights(tiny) == from_file);
}

TEST_CASE("labels of records: the list beside them counts") {
  const TinyNer tiny;
  generate(tiny);
  const Words flags = tiny.training(from_records(tiny, "mindrecord", ".mindrecord"));
  Words other = flags;
  other.push_back("--label_file_path=" + tiny.write("types.txt", "PER\nLOC\n"));
  tiny.refuse(other, "which belongs to the records");
  std::filesystem::remove(tiny.path("records/label_list.txt"));
  tiny.refuse(flags, "records hold the numbers of labels");
  other.back() = "--label_file_path=" + tiny.write("tags.txt", "O\nB-LOC\nB-PER\nI-LOC\n");
  tiny.refuse(other, "row 1: label_ids[3] is 4, of 'Brom': the list has 4 labels: O, B-LOC, B-PER, I-LOC");
}

TEST_CASE("records that do not fit are refused by file and number") {
  const TinyNer tiny;
  generate(tiny);
  const std::string path = tiny.path("records/train.tf_record");
  const auto refuse = [&](const DatasetRow& row, const std::string& text, const Words& more = {}) {
    const auto writer = DatasetWriter::create(path, DatasetFormat::tfrecord, ner_record_columns());
    writer->write(good_row());
    writer->write(row);
    writer->finish();
    Words flags = tiny.training(from_records(tiny, "tfrecord", ".tf_record"));
    flags.push_back("--eval_data_file_path=" + path);
    flags.insert(flags.end(), more.begin(), more.end());
    tiny.refuse(flags, path + ": record 2: " + text);
  };
  DatasetRow row = good_row();
  row[0].ints[2] = 4000;
  refuse(row, "input_ids[2] is 4000: the vocabulary has");
  row = good_row();
  row[0].ints[1] = -1;
  refuse(row, "input_ids[1] is -1: the vocabulary has");
  row = good_row();
  row[1].ints = {1, 0, 1, 1, 0};
  refuse(row, "input_mask[2] is 1: expected ones, then zeros");
  row[1].ints = {1, 1, 1, 2, 0};
  refuse(row, "input_mask[3] is 2: expected ones, then zeros");
  row[1].ints = {0, 0, 0, 0, 0};
  refuse(row, "input_mask has no 1: the record is empty");
  row = good_row();
  row[2].ints[1] = 1;
  refuse(row, "segment_ids[1] is 1: expected 0");
  row = good_row();
  row[3].ints[1] = 5;
  refuse(row, "label_ids[1] is 5, of 'Anna': the list has 5 labels: O, B-LOC, B-PER, I-LOC, I-PER");
  row[3].ints.pop_back();
  refuse(row, "label_ids has 4 values, input_ids 5");
  row = good_row();
  for (DatasetValue& value : row) value.ints.assign(40, 0);
  row[1].ints.assign(40, 1);
  refuse(row, "40 tokens, the model takes at most 32 (max_position_embeddings)");
  tiny.write("schema.json",
             R"({"datasetType": "TF", "numRows": 9, "columns": {"input_ids": {"type": "int64", "shape": [5]},
                 "input_mask": {"type": "int64"}, "segment_ids": {"type": "int64"}, "label_ids": {"type": "int64"}}})");
  row = good_row();
  row[0].ints.push_back(0);
  refuse(row, "\"input_ids\" has 6 values, ", {"--schema_file_path=" + tiny.path("schema.json")});
}

TEST_CASE(
    "records of MSRA's XML: chosen entities, a part of the sentences, the types' tags in the order of the "
    "list") {
  const TinyNer tiny;
  std::string xml = "<document>\n";
  for (int i = 0; i < 10; ++i)
    xml +=
        "<sentence><w><NAMEX TYPE=\"PER\">王伟</NAMEX></w><w>住在<NUMEX "
        "TYPE=\"NUM\">青</NUMEX></w></sentence>\n";
  tiny.write("train.xml", xml + "</document>\n");
  tiny.write("types.txt", "NUM\nPER\n");
  const std::string log =
      generate(tiny, {"--dataset_name=msra", "--do_eval=false", "--eval_file=", "--class_filter=NAMEX",
                      "--split_begin=0.25", "--split_end=0.75", "--label_file=" + tiny.path("types.txt")});
  CHECK_MESSAGE(log.find("10 sentences, 5 of them selected") != std::string::npos, log);
  const auto reader = DatasetReader::open(tiny.path("records/train.mindrecord"), DatasetFormat::mindrecord,
                                          ner_record_columns());
  DatasetRow row;
  REQUIRE(reader->next(row));
  // [CLS] 王 伟 住 在 青 [SEP]; O, S_NUM B_NUM M_NUM E_NUM, S_PER B_PER M_PER E_PER.
  CHECK(std::vector<int32_t>(row[3].ints.begin(), row[3].ints.begin() + 8) ==
        std::vector<int32_t>{0, 6, 8, 0, 0, 0, 0, 0});
  CHECK(std::count(row[1].ints.begin(), row[1].ints.end(), 1) == 7);
}
