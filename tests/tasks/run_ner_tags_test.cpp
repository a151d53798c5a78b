// run_ner reads tags by one rule: what it scores, shows and forbids are the same entities, in every scheme.
#include <doctest/doctest.h>

#include "tests/json.h"
#include "tests/tasks/tiny_ner.h"

using namespace gradus;

namespace {

// The same sentences with names of one and of two words, one right behind another, with the tags of a scheme for the
// words of "Anna [Boris Brom]LOC Clara lives . / the [Port Mill]PER [Anna]PER .".
std::string sentences(const Words& tags) {
  const Words words{"Anna", "Boris", "Brom", "Clara", "lives", ".", "", "the", "Port", "Mill", "Anna", "."};
  std::string text;
  size_t next = 0;
  for (const std::string& word : words) text += word.empty() ? "\n" : word + " " + tags.at(next++) + "\n";
  return text;
}

struct SchemeCase {
  std::string log;  // what a run tells
  Words tags;
};

const std::vector<SchemeCase> schemes{
    {"tags: IOB2: B-PER begins a name (",
     {"B-PER", "B-LOC", "I-LOC", "B-PER", "O", "O", "O", "B-PER", "I-PER", "B-PER", "O"}},
    {"tags: IOB1: I-PER begins a name (",
     {"I-PER", "I-LOC", "I-LOC", "I-PER", "O", "O", "O", "I-PER", "I-PER", "B-PER", "O"}},
    {"tags: IOE2: E-PER ends a name (",
     {"E-PER", "I-LOC", "E-LOC", "E-PER", "O", "O", "O", "I-PER", "E-PER", "E-PER", "O"}},
    {"tags: IOE1: I-PER ends a name (",
     {"I-PER", "I-LOC", "I-LOC", "I-PER", "O", "O", "O", "I-PER", "E-PER", "I-PER", "O"}},
    {"tags: BIOES: S-PER is a name of one word (",
     {"S-PER", "B-LOC", "E-LOC", "S-PER", "O", "O", "O", "B-PER", "E-PER", "S-PER", "O"}},
    {"tags: BIOES: U-PER is a name of one word (",
     {"U-PER", "B-LOC", "L-LOC", "U-PER", "O", "O", "O", "B-PER", "L-PER", "U-PER", "O"}},
    {"tags: BIOES: S_PER is a name of one word (",
     {"S_PER", "B_LOC", "E_LOC", "S_PER", "O", "O", "O", "B_PER", "E_PER", "S_PER", "O"}},
    {"tags: IOB2: b-PER begins a name (",
     {"b-PER", "b-LOC", "i-LOC", "b-PER", "o", "o", "o", "b-PER", "i-PER", "b-PER", "o"}},
};

Words trained_on(const TinyNer& tiny, const std::string& data, const Words& more = {}) {
  Words flags =
      tiny.training({"--do_eval", "--epoch_num=60", "--learning_rate=1e-2", "--dropout=0",
                     "--eval_steps=1000", "--train_data_file_path=" + data, "--eval_data_file_path=" + data});
  flags.insert(flags.end(), more.begin(), more.end());
  return flags;
}

const std::string text = "Anna Boris Brom Clara lives .\nthe Port Mill Anna .\n";

}  // namespace

TEST_CASE("run_ner finds the scheme of the tags, keeps to it, and shows the names that it scores") {
  for (const SchemeCase& scheme : schemes) {
    CAPTURE(scheme.log);
    const TinyNer tiny;
    const std::string data = tiny.write("data.txt", sentences(scheme.tags));
    const std::string out = tiny.print(trained_on(tiny, data, {"--use_crf", "--crf_constraints"}));
    CHECK(out.find(scheme.log + data + ":1 'Anna')\n") != std::string::npos);
    CHECK_MESSAGE(
        out.find("processed 11 tokens with 5 phrases; found: 5 phrases; correct: 5.") != std::string::npos,
        out);
    CHECK(tiny.print(tiny.predicting(tiny.path("save/best")), text) ==
          "[Anna](PER) [Boris Brom](LOC) [Clara](PER) lives .\nthe [Port Mill](PER) [Anna](PER) .\n");
    // Every name is as the scheme wants it, so that the strict score is as high; seqeval's IOB1 and IOE1 lose some.
    tiny.print(tiny.scoring(tiny.path("save/best"),
                            {"--eval_data_file_path=" + data, "--assessment_method=span_strict"}));
    if (scheme.log.find('1') == std::string::npos) CHECK(tiny.score("span_strict_f1") == 100);
  }
}

TEST_CASE("run_ner scores and shows the same names where tags break their scheme") {
  // E and S end a name, the I behind them begins another: what seqeval makes of these tags.
  const TinyNer tiny;
  const std::string train =
      tiny.write("train.txt", "Anna B-PER\nBrom E-PER\nleft I-PER\n. O\n\nAlden S-LOC\nMill I-LOC\n. O\n");
  const std::string eval =
      tiny.write("eval.txt", "Anna B-PER\nBrom E-PER\nleft O\n. O\n\nAlden S-LOC\nMill O\n. O\n");
  const std::string out = tiny.print(trained_on(tiny, train, {"--eval_data_file_path=" + eval}));
  CHECK(out.find("; 4 tags break that, the first at " + train + ":3 'left', I-PER behind E-PER\n") !=
        std::string::npos);
  CHECK_MESSAGE(
      out.find("processed 7 tokens with 2 phrases; found: 4 phrases; correct: 2.\n"
               "accuracy:  71.43%; precision:  50.00%; recall: 100.00%; FB1:  66.67") != std::string::npos,
      out);
  CHECK(tiny.print(tiny.predicting(tiny.path("save/best")), "Anna Brom left .\nAlden Mill .\n") ==
        "[Anna Brom](PER) [left](PER) .\n[Alden](LOC) [Mill](LOC) .\n");
  // Strictly, only what is written as the scheme wants it counts, and is shown.
  const Words strict{"--assessment_method=span_strict"};
  CHECK(tiny.print(tiny.predicting(tiny.path("save/best"), strict), "Anna Brom left .\n") ==
        "[Anna Brom](PER) left .\n");
  tiny.print(tiny.scoring(tiny.path("save/best"), {"--eval_data_file_path=" + eval, strict[0]}));
  CHECK(tiny.score("span_strict_precision") == 100);
}

TEST_CASE("run_ner takes the scheme from the options, and from the labels of a tagger that doesn't say it") {
  const TinyNer tiny;
  const std::string data = tiny.write("data.txt", sentences(schemes[0].tags));
  tiny.refuse(trained_on(tiny, data, {"--tag_scheme=IOE2"}),
              "--tag_scheme IOE2: it has no label such as 'B-LOC'");
  tiny.refuse(trained_on(tiny, data, {"--use_crf", "--crf_constraints", "--tag_scheme=IOB1"}),
              data +
                  ":1: word 'Anna': the tag B-PER begins a sequence, which --crf_constraints forbids (by the "
                  "scheme IOB1)");
  tiny.print(trained_on(tiny, data, {"--max_steps=1", "--tag_scheme=bio"}));
  const std::string best = tiny.path("save/best");
  tiny.refuse(tiny.scoring(best, {"--tag_scheme=IOB1"}), "--tag_scheme IOB1: the tagger in");
  Json config = json_of(file_content(best + "/config.json"));
  Json settings = config["gradus_ner"];
  CHECK(settings["tag_scheme"] == "IOB2");
  settings.erase("tag_scheme");
  edit_config(best, "gradus_ner", settings);
  const Words strict{"--assessment_method=span_strict", "--eval_data_file_path=" + data};
  CHECK(tiny.print(tiny.scoring(best, strict)).find("tags: taken as IOB2, by the labels") !=
        std::string::npos);
  settings["tag_scheme"] = "XYZ";
  edit_config(best, "gradus_ner", settings);
  tiny.refuse(tiny.scoring(best), "\"gradus_ner\": 'tag_scheme' is \"XYZ\", expected IOB1, IOB2");
}

TEST_CASE("run_ner refuses to learn where there is nothing to learn, and says so of evaluation data") {
  const TinyNer tiny;
  const std::string outside = tiny.write("outside.txt", "the O\nhouse O\n\nis O\n");
  tiny.refuse(trained_on(tiny, outside), outside + ": 3 words in 2 sentences, and the tag of all is 'O'");
  const std::string one = tiny.write("one.txt", "the NN\nhouse NN\n");
  tiny.refuse(trained_on(tiny, one, {"--assessment_method=accuracy"}),
              one + ": 2 words in 1 sentence, and the tag of all is 'NN'");
  const std::string special = tiny.write("special.txt", "the O\nhouse X\n");
  tiny.refuse(trained_on(tiny, special),
              special + ": 2 words in 1 sentence, and none is in an entity, the tags are O, X");
  const std::string rows = tiny.write("rows.json", "{\"text\": \"王伟\", \"label\": {}}\n");
  tiny.refuse(trained_on(tiny, rows), rows + ": 2 words in 1 sentence, and the tag of all is 'O'");
  tiny.print(tiny.training({"--max_steps=1"}));
  // Nor is a trained tagger trained further on it.
  tiny.refuse(trained_on(tiny, outside,
                         {"--load_finetune_checkpoint_path=" + tiny.path("save/best"),
                          "--vocab_file_path=", "--save_finetune_checkpoint_path="}),
              "the tag of all is 'O'");
  const std::string out =
      tiny.print(tiny.scoring(tiny.path("save/best"), {"--eval_data_file_path=" + outside}));
  CHECK(out.find("warning: " + outside + ": 3 words in 2 sentences, and none is in an entity") !=
        std::string::npos);
}

TEST_CASE("run_ner says where a label stands that is none") {
  const TinyNer tiny;
  const std::string data = tiny.write("data.txt", "Anna B-PER\n. O\n\nthe O\nhouse 0\n");
  // With evaluation data and without.
  for (const std::string& eval : {data, std::string()})
    tiny.refuse(trained_on(tiny, data, {"--do_eval=false", "--eval_data_file_path=" + eval}),
                data + ":5: word 'house': the tag '0' is not an entity's");
  const std::string labels = tiny.write("labels.txt", "O\nB-PER\n\n0\n");
  tiny.refuse(tiny.training({"--label_file_path=" + labels}),
              labels + ":4: the label '0' is not an entity's");
  const std::string few = tiny.write("few.txt", "O\nB-PER\nI-PER\n");
  tiny.refuse(
      tiny.training({"--label_file_path=" + few}),
      tiny.path("train.txt") + ":4: word 'Alden': unknown label 'B-LOC': expected one of O, B-PER, I-PER");
  tiny.print(tiny.training({"--max_steps=1"}));
  edit_config(tiny.path("save/best"), "id2label",
              {{"0", "O"}, {"1", "B-PER"}, {"2", "B-PER"}, {"3", "I-LOC"}, {"4", "I-PER"}});
  tiny.refuse(tiny.scoring(tiny.path("save/best")), "config.json: ");
}
