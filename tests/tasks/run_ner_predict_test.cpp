// What run_ner predicts from: text, words, columns and JSON lines, cut as the words were that it was trained on.
#include <doctest/doctest.h>

#include <algorithm>

#include "tests/json.h"
#include "tests/tasks/tiny_ner.h"

using namespace gradus;

namespace {

// Names with marks inside, and marks that stand alone.
const std::string columns =
    "-DOCSTART- X O\n\n"
    "A.B. NNP B-PER\nmet VB O\nAl-Mill NNP B-LOC\n. . O\n\n"
    "Anna NNP B-PER\nBrom NNP I-PER\n, , O\nBoris NNP B-PER\nleft VB O\nPort&Co. NNP B-LOC\n. . O\n\n"
    "the DT O\nhouse NN O\nis VB O\nold JJ O\n";

Words words_of(const std::string& text) {
  Words lines = lines_of(text);
  for (std::string& line : lines) line = line.substr(0, line.find(' '));
  return lines;
}

// The words of the columns, a sentence a line.
std::string sentences_of(const std::string& text) {
  std::string result;
  for (const std::string& word : words_of(text)) {
    if (word == "-DOCSTART-") continue;
    if (!word.empty()) result += (result.empty() || result.back() == '\n' ? "" : " ") + word;
    else if (!result.empty()) result += '\n';
  }
  return result + "\n";
}

// Trains by heart on the columns.
std::string train(const TinyNer& tiny, const std::string& data, const Words& more = {}) {
  Words flags =
      tiny.training({"--do_eval", "--epoch_num=80", "--learning_rate=1e-2", "--dropout=0",
                     "--eval_steps=1000", "--train_data_file_path=" + data, "--eval_data_file_path=" + data});
  flags.insert(flags.end(), more.begin(), more.end());
  const std::string out = tiny.print(flags);
  REQUIRE_MESSAGE(out.find("FB1: 100.00") != std::string::npos, out);
  return tiny.path("save/best");
}

}  // namespace

TEST_CASE("run_ner predicts for the words that it was trained on the tags that it was scored with") {
  const TinyNer tiny;
  const std::string data = tiny.write("columns.txt", columns);
  const std::string best = train(tiny, data);
  const Words flags = tiny.predicting(best);
  // Columns come back with one more, all rows of them.
  std::string expected;
  for (const std::string& line : lines_of(columns))
    expected += line.empty() ? "\n" : line + line.substr(line.rfind(' ')) + "\n";
  Outcome outcome = tiny.run(flags, columns);
  CHECK(outcome.out == expected);
  CHECK(outcome.err.find("taken as columns") != std::string::npos);
  // The words alone, one a line.
  std::string words;
  for (const std::string& word : words_of(columns)) words += word + "\n";
  Words found = lines_of(tiny.print(flags, words)), all = lines_of(columns);
  REQUIRE(found.size() == all.size());
  for (size_t i = 0; i < all.size(); ++i)
    CHECK(part_from(found[i], " ") == (all[i].empty() ? "" : all[i].substr(all[i].rfind(' '))));
  // Sentences with blanks between the words.
  const std::string text = sentences_of(columns);
  const std::string names =
      "[A.B.](PER) met [Al-Mill](LOC) .\n[Anna Brom](PER) , [Boris](PER) left [Port&Co.](LOC) .\nthe house "
      "is old\n";
  outcome = tiny.run(flags, text);
  CHECK(outcome.out == names);
  CHECK(outcome.status == 0);
  CHECK(tiny.print(tiny.predicting(best, {"--predict_form=words"}), text) == names);
  // Text as people write it.
  CHECK(tiny.print(flags, "A.B. met Al-Mill.\nAnna Brom, Boris left Port&Co..\n") ==
        "[A.B.](PER) met [Al-Mill](LOC).\n[Anna Brom](PER), [Boris](PER) left [Port&Co.](LOC).\n");
  // JSON lines.
  const std::string json = tiny.print(flags, R"({"id": 7, "words": ["A.B.", "met", "Al-Mill", "."]}
{"text": "Anna Brom left", "more": null}

{"tokens": []}
)");
  const Words rows = lines_of(json);
  REQUIRE(rows.size() == 4);
  CHECK(json_of(rows[0]) == json_of(R"({"id": 7, "words": ["A.B.", "met", "Al-Mill", "."],
    "tags": ["B-PER", "O", "B-LOC", "O"], "entities": [
    {"type": "PER", "text": "A.B.", "begin": 0, "end": 1}, {"type": "LOC", "text": "Al-Mill", "begin": 2, "end": 3}]})"));
  CHECK(json_of(rows[1]) == json_of(R"({"text": "Anna Brom left", "more": null,
    "entities": [{"type": "PER", "text": "Anna Brom", "begin": 0, "end": 9}]})"));
  CHECK(rows[2].empty());
  CHECK(json_of(rows[3])["tags"].empty());
}

TEST_CASE("run_ner gives a word no tag of a piece") {
  // The classifier's row of one tag scores above all others: that tag is what every word gets.
  const TinyNer tiny;
  for (const std::string protocol : {"x_pieces", "x_pieces_no_sep"}) {
    tiny.print(tiny.training({"--max_steps=1", "--label_protocol=" + protocol,
                              "--save_finetune_checkpoint_path=" + tiny.path(protocol)}));
    const std::string best = tiny.path(protocol + "/best");
    const Json labels = json_of(file_content(best + "/config.json")).at("label2id");
    for (const std::string tag : {"X", "[CLS]", "[SEP]", "B-LOC"}) {
      edit_tensor(best, "classifier.bias", [&](std::vector<float>& bias) {
        std::ranges::fill(bias, 0.0F);
        bias[static_cast<size_t>(labels.at(tag).number())] = 1000;
      });
      const std::string expected = tag == "B-LOC" ? tag : "O";
      CHECK(tiny.print(tiny.predicting(best), "Anna O\nleft O\n") ==
            "Anna O " + expected + "\nleft O " + expected + "\n");
      const Json row = json_of(tiny.print(tiny.predicting(best), R"({"words": ["Anna"]})"));
      CHECK(row.at("tags")[0].text() == expected);
    }
  }
}

TEST_CASE("run_ner keeps what stands between the rows of columns, and parts its own column as theirs are") {
  const TinyNer tiny;
  const std::string best = train(tiny, tiny.write("columns.txt", columns));
  const Words flags = tiny.predicting(best, {"--predict_form=columns"});
  CHECK(tiny.print(flags, "# id = 1\nAnna\tx\n\n\n# id = 2\nhouse\ty\n") ==
        "# id = 1\nAnna\tx\tB-PER\n\n\n# id = 2\nhouse\ty\tO\n");
  // The last sentence needs no blank line, and longer ones are read whole.
  std::string many, expected;
  for (int i = 0; i < 300; ++i) {
    many += i % 100 == 99 ? "house\n\n" : "house\n";
    expected += i % 100 == 99 ? "house O\n\n" : "house O\n";
  }
  CHECK(tiny.print(flags, many) == expected);
  CHECK(tiny.print(flags, "").empty());
  // Rows that can't be read have an error in their place.
  const Outcome outcome = tiny.run(flags, "Anna x\nB\xFF x\nmet\n. x\n");
  CHECK(outcome.status == 1);
  CHECK(lines_of(outcome.out)[0].starts_with("Anna x "));
  CHECK(lines_of(outcome.out)[1] == "error: line 2: invalid UTF-8 at byte 1: found 0xff");
  CHECK(lines_of(outcome.out)[2] == "error: line 3: 1 columns, expected 2");
  CHECK(lines_of(outcome.out)[3] == ". x O");
  const Words json = lines_of(tiny.print(tiny.predicting(best, {"--json"}), columns));
  REQUIRE(json.size() == 3);
  CHECK(json_of(json[1])["tags"] == Json::array({"B-PER", "I-PER", "O", "B-PER", "O", "B-LOC", "O"}));
}

TEST_CASE("run_ner takes text for text, whatever it holds") {
  const TinyNer tiny;
  const std::string best = train(tiny, tiny.write("columns.txt", columns));
  const auto tagged = [&](const std::string& text, const Words& more = {}) {
    const Outcome outcome = tiny.run(tiny.predicting(best, more), text);
    CHECK(outcome.err.find("taken as") == std::string::npos);
    return outcome.out;
  };
  CHECK(tagged("Anna\n") == "[Anna](PER)\n");
  CHECK(tagged("Anna\nBoris\n") == "[Anna](PER)\n[Boris](PER)\n");
  CHECK(tagged("Anna O\n").ends_with("\n"));
  CHECK(tagged("Anna\n\nBoris\n", {"--predict_form=text"}) == "[Anna](PER)\n\n[Boris](PER)\n");
  // Bad rows of JSON.
  const Outcome outcome = tiny.run(tiny.predicting(best, {"--predict_form=jsonl"}),
                                   "{\"text\": \"Anna\"}\n{\n[1]\n{\"text\": 1}\n{\"words\": [1]}\n{}\n");
  CHECK(outcome.status == 1);
  const Words rows = lines_of(outcome.out);
  REQUIRE(rows.size() == 6);
  CHECK(json_of(rows[0])["entities"].size() == 1);
  for (size_t i = 1; i < 6; ++i) CHECK(json_of(rows[i])["line"] == i + 1);
  CHECK(rows[5].find("no \\\"text\\\"") != std::string::npos);
}

TEST_CASE("run_ner uses taggers that don't say how their words were cut, and says so") {
  const TinyNer tiny;
  const std::string best = train(tiny, tiny.write("columns.txt", columns));
  Json config = json_of(file_content(best + "/config.json"));
  CHECK(config["gradus_ner"]["word_rules"]["cut"] == "blanks");
  Json settings = config["gradus_ner"];
  settings["word_rules"]["cut"] = "somehow";
  edit_config(best, "gradus_ner", settings);
  tiny.refuse(tiny.predicting(best),
              "'word_rules.cut' is \"somehow\", expected reference, characters or blanks");
  settings.erase("word_rules");
  edit_config(best, "gradus_ner", settings);
  const Outcome outcome = tiny.run(tiny.predicting(best), "A.B. met Al-Mill .\n");
  CHECK(outcome.out == "[A.B.](PER) met [Al-Mill](LOC) .\n");
  CHECK(outcome.err.find("the tagger doesn't say how its words were cut") != std::string::npos);
}

TEST_CASE("JSON lines of characters get the tags that they were scored with, blanks being characters") {
  const TinyNer tiny;
  const std::string rows =
      R"({"text": "王伟 住在青州", "label": {"name": {"王伟": [[0, 1]]}, "address": {"青州": [[5, 6]]}}}
{"text": "青州 王", "label": {"address": {"青州": [[0, 1]]}, "name": {"王": [[3, 3]]}}}
)";
  const std::string best = train(tiny, tiny.write("rows.json", rows));
  const Outcome outcome = tiny.run(tiny.predicting(best), rows);
  const Words out = lines_of(outcome.out);
  REQUIRE(out.size() == 2);
  CHECK(json_of(out[0])["entities"] == json_of(R"([{"type": "name", "text": "王伟", "begin": 0, "end": 2},
    {"type": "address", "text": "青州", "begin": 5, "end": 7}])"));
  CHECK(json_of(out[1])["label"] == json_of(lines_of(rows)[1])["label"]);
  CHECK(tiny.print(tiny.predicting(best), "王伟 住在青州\n") == "[王伟](name) 住在[青州](address)\n");
}
