// run_ner on tables and on lists in JSON lines: what they train is what the same columns train, and they come back with tags.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>

#include "tests/json.h"
#include "tests/tasks/tiny_ner.h"

using namespace gradus;

namespace {

const std::string labels = "O\nB-LOC\nB-PER\nI-LOC\nI-PER\n";

// The tiny sentences with a row a word: "Sentence: 1" in the first of a sentence, or every one, or an empty row behind it.
struct Tables {
  std::string kaggle = "Sentence #,Word,Tag\n", numbered = "sentence_id\twords\tlabels\n",
              parted = "word;tag\n";
  std::string lists, numbers;

  Tables() {
    const Words tags = lines_of(labels);
    int64_t sentence = 1;
    Json row, ids = Json::array();
    bool begins = true;
    const auto end_sentence = [&] {
      lists += json_text(row) + "\n";
      row["ner_tags"] = ids;
      numbers += json_text(row) + "\n";
      row = {};
      ids = Json::array();
      parted += ";\n";
      ++sentence;
      begins = true;
    };
    for (const std::string& line : lines_of(ner_sentences)) {
      if (line.empty()) {
        end_sentence();
        continue;
      }
      const std::string word = line.substr(0, line.find(' ')), tag = line.substr(line.find(' ') + 1);
      kaggle += fmt::format("{},\"{}\",{}\n", begins ? fmt::format("Sentence: {}", sentence) : "", word, tag);
      numbered += fmt::format("{}\t{}\t{}\n", sentence, word, tag);
      parted += fmt::format("{};{}\n", word, tag);
      row["tokens"].push_back(word);
      row["ner_tags"].push_back(tag);
      ids.push_back(std::ranges::find(tags, tag) - tags.begin());
      begins = false;
    }
    end_sentence();
  }
};

std::string weights(const TinyNer& tiny) { return file_content(tiny.path("save/best/model.safetensors")); }

Words on(const std::string& file, const Words& more = {}) {
  return joined({"--train_data_file_path=" + file, "--eval_data_file_path=" + file}, more);
}

}  // namespace

TEST_CASE("run_ner trains on tables and lists, bit by bit, what it trains on columns") {
  const TinyNer tiny;
  const Tables tables;
  const std::string list = tiny.write("labels.txt", labels);
  tiny.print(tiny.training({"--label_file_path=" + list}));
  const std::string from_columns = weights(tiny);
  const double f1 = tiny.score("span_f1");
  for (const auto& [name, text] : {std::pair{"kaggle.csv", tables.kaggle},
                                   {"crlf.CSV", with_crlf("\xEF\xBB\xBF" + tables.kaggle)},
                                   {"numbered.tsv", tables.numbered},
                                   {"parted.csv", tables.parted},
                                   {"lists.json", tables.lists},
                                   {"numbers.json", tables.numbers}}) {
    CAPTURE(name);
    std::filesystem::remove_all(tiny.path("save"));
    const Outcome outcome =
        tiny.run(tiny.training(on(tiny.write(name, text), {"--label_file_path=" + list})));
    REQUIRE_MESSAGE(outcome.status == 0, outcome.err);
    CHECK(weights(tiny) == from_columns);
    CHECK(tiny.score("span_f1") == f1);
    CHECK((outcome.out + outcome.err).find("first sentence: Anna/B-PER lives/O in/O") != std::string::npos);
  }
  const std::string numbers = tiny.path("numbers.json");
  tiny.refuse(
      tiny.training(on(numbers)),
      numbers + ":1: \"ner_tags\" has the number 2: expected tags, or --label_file_path with the tags");
  // Types of entities have no number for O.
  tiny.refuse(
      tiny.training(on(numbers, {"--label_file_path=" + tiny.write("types.txt", "PER\nLOC\n")})),
      numbers + ":1: \"ner_tags\" has the number 2: expected tags, or --label_file_path with the tags");
}

TEST_CASE("run_ner gives a table back with a column of tags") {
  const TinyNer tiny;
  tiny.print(tiny.training({"--epoch_num=8"}));
  const Words flags = tiny.predicting(tiny.path("save/best"));
  Words tags;
  for (const std::string& line : lines_of(tiny.print(flags, ner_sentences))) {
    if (!line.empty()) tags.push_back(line.substr(line.rfind(' ') + 1));
  }
  const Tables tables;
  const auto expected = [&](const std::string& text, const std::string& delimiter, const std::string& end) {
    std::string all;
    size_t word = 0;
    const Words lines = lines_of(text);
    for (size_t i = 0; i < lines.size(); ++i) {
      const bool is_empty = lines[i] == delimiter;
      all += lines[i] + delimiter + (i == 0 ? "predicted_tag" : is_empty ? "" : tags.at(word)) + end;
      word += i > 0 && !is_empty ? 1 : 0;
    }
    CHECK(word == tags.size());
    return all;
  };
  const auto from_file = [&](const std::string& name, const std::string& text, const Words& more = {}) {
    const std::string file = tiny.write(name, text);
    return tiny.print(joined(flags, joined({"--predict_data_file_path=" + file}, more)));
  };
  CHECK(from_file("kaggle.csv", tables.kaggle) == expected(tables.kaggle, ",", "\n"));
  CHECK(from_file("parted.csv", "sep=;\n" + tables.parted) == "sep=;\n" + expected(tables.parted, ";", "\n"));
  CHECK(from_file("numbered.tsv", tables.numbered) == expected(tables.numbered, "\t", "\n"));
  const std::string mark = "\xEF\xBB\xBF";
  CHECK(from_file("windows.csv", mark + with_crlf(tables.kaggle)) ==
        mark + expected(tables.kaggle, ",", "\r\n"));
  const Words asked = joined(flags, {"--predict_form=table"});
  CHECK(tiny.print(asked, tables.parted) == expected(tables.parted, ";", "\n"));
  CHECK(tiny.print(joined(flags, {"--sentence_column=1"}), tables.numbered) ==
        expected(tables.numbered, "\t", "\n"));
  // Tags need not be there, and wrong ones are left alone; documents are outside all names.
  CHECK(tiny.print(asked, "word\n-DOCSTART-\n\nAnna\n") ==
        "word,predicted_tag\n-DOCSTART-,O\n\nAnna," + tags.front() + "\n");
  const Outcome told = tiny.run(asked, "word,tag\nAnna,B PER\n");
  CHECK(told.out == "word,tag,predicted_tag\nAnna,B PER," + tags.front() + "\n");
  CHECK(told.err.find("standard input: CSV with a comma between cells: words from column 1 (word), tags left "
                      "alone, sentences end at empty rows;") != std::string::npos);
  CHECK(told.err.find("standard input: first sentence: Anna\n") != std::string::npos);
  CHECK(told.err.find("standard input: column added: predicted_tag\n") != std::string::npos);
  // A line for each sentence.
  const Words json = lines_of(from_file("kaggle.csv", tables.kaggle, {"--json"}));
  REQUIRE(json.size() == 12);
  CHECK(json_of(json[0]).at("words") == Json::array({"Anna", "lives", "in", "Alden", "."}));
  CHECK(json_of(json[0]).at("tags")[0] == tags.front());
}

TEST_CASE("run_ner: a tagger knows the columns of the table that it was trained on") {
  const TinyNer tiny;
  const Tables tables;
  const std::string rows = tables.kaggle.substr(tables.kaggle.find('\n'));
  const std::string table = tiny.write("table.csv", "unit,surface,mark" + rows);
  tiny.print(tiny.training(on(
      table, {"--max_steps=1", "--text_column=surface", "--label_column=mark", "--sentence_column=unit"})));
  const std::string best = tiny.path("save/best");
  std::filesystem::copy(best, tiny.path("first"));
  const auto scored = [&](const std::string& file) {
    return tiny.print(tiny.scoring(best, {"--eval_data_file_path=" + file}));
  };
  const std::string log = scored(table);
  CHECK(log.find(table +
                 ": CSV with a comma between cells: words from column 2 (surface), tags from column 3 "
                 "(mark), sentences by column 1 (unit);") != std::string::npos);
  // Of JSON lines and of other tables, whose names are the usual ones, as well.
  const std::string list = tiny.write("list.json", R"({"surface": ["Anna", "sang"], "mark": ["B-PER", "O"]})"
                                                   "\n");
  CHECK(scored(list).find("words from \"surface\", tags from \"mark\"") != std::string::npos);
  CHECK(scored(tiny.write("usual.csv", tables.kaggle)).find("words from column 2 (Word)") !=
        std::string::npos);
  const auto predicted = [&](const std::string& name, const std::string& text) {
    return tiny.print(tiny.predicting(best, {"--predict_data_file_path=" + tiny.write(name, text)}));
  };
  CHECK(predicted("new.csv", "place;surface;unit\nhere;Anna;1\nhere;sang;1\n")
            .starts_with("place;surface;unit;predicted_tag\nhere;Anna;1;"));
  CHECK(predicted("words.txt", "surface\nAnna\n\nsang\n").find("predicted_tag") == std::string::npos);
  // Trained further on the same file, in memory and in parts.
  for (const std::string stream : {"false", "true"})
    tiny.print(tiny.training(on(table, {"--max_steps=1", "--overwrite_output_dir", "--stream=" + stream,
                                        "--load_finetune_checkpoint_path=" + tiny.path("first")})));
  // What is chosen counts.
  tiny.refuse(tiny.scoring(best, {"--eval_data_file_path=" + table, "--text_column=word"}), table + ":1: ");
}

TEST_CASE("run_ner refuses to predict for what is no table of words") {
  const TinyNer tiny;
  tiny.print(tiny.training({"--max_steps=1"}));
  const Words flags = tiny.predicting(tiny.path("save/best"), {"--predict_form=table"});
  tiny.refuse(flags, "standard input: no word found: expected a table with a header and a word a row",
              "word\n");
  tiny.refuse(flags, "standard input:1: the header has the columns a, b: expected one named word",
              "a,b\nc,d\n");
  tiny.refuse(flags,
              "standard input: the header has a column predicted_tag already, which is the name of what is "
              "predicted",
              "word,Predicted_Tag\na,O\n");
  tiny.refuse(flags, "standard input: JSON lines: expected a table", "{\"words\": [\"a\"]}\n");
  // Text stays text, whatever the name of its file.
  const std::string text = tiny.write("text.csv", "the house , old\n");
  CHECK(lines_of(tiny.print(tiny.predicting(tiny.path("save/best"), {"--predict_data_file_path=" + text})))
            .size() == 1);
}

TEST_CASE("run_ner gives objects with lists back with tags, and tells of tags that it replaces") {
  const TinyNer tiny;
  tiny.print(tiny.training({"--max_steps=1"}));
  const Words flags = tiny.predicting(tiny.path("save/best"));
  const std::string row = R"({"id": "7", "mots": ["Anna", "left"], "ner_tags": [3, 9]})";
  const Json json = json_of(tiny.print(joined(flags, {"--text_column=mots"}), row + "\n"));
  CHECK(json.at("ner_tags") == Json::array({3, 9}));
  CHECK(json.at("tags").size() == 2);
  CHECK(json.at("id") == "7");
  const Outcome outcome = tiny.run(
      flags, "{\"text\": \"Anna left\", \"tokens\": [\"Anna\", \"left\"], \"tags\": [\"O\", \"X\"]}\n");
  CHECK(json_of(outcome.out).at("tags").size() == 2);
  CHECK(outcome.err.find("1 object has \"tags\" of their own, which the predicted ones replace") !=
        std::string::npos);
}

TEST_CASE("the generator makes of tables and lists the records that it makes of columns") {
  const TinyNer tiny;
  const Tables tables;
  tiny.write("labels.txt", labels);
  const auto records = [&](const std::string& name, const std::string& text) {
    const std::string file = tiny.write(name, text);
    const Outcome outcome = run_program(
        "generate_ner_records",
        {"--dataset_name=conll2003", "--data_dir=" + tiny.path(""), "--train_file=" + name,
         "--eval_file=" + name, "--do_predict=false", "--output_dir=" + tiny.path("records"), "--overwrite",
         "--vocab_file=" + tiny.path("vocab.txt"), "--max_seq_length=24", "--tokenizer=hf",
         "--dataset_format=tfrecord", "--label_file=" + tiny.path("labels.txt")});
    REQUIRE_MESSAGE(outcome.status == 0, outcome.err);
    return file_content(tiny.path("records/train.tf_record"));
  };
  const std::string from_columns = records("train.txt", ner_sentences);
  CHECK(records("kaggle.csv", tables.kaggle) == from_columns);
  CHECK(records("parted.csv", tables.parted) == from_columns);
  CHECK(records("lists.json", tables.lists) == from_columns);
  CHECK(records("numbers.json", tables.numbers) == from_columns);
}
