// Heads that are stored with a pretrained model: rows go by the names of their labels, or a new head begins and the log
// says so.
#include <doctest/doctest.h>

#include "tests/json.h"
#include "tests/tasks/tiny_classifier.h"
#include "tests/tasks/tiny_ner.h"

using namespace gradus;

namespace {

// Flags that take a model as a pretrained one, learn nothing, and score it.
Words as_it_is(const TinyTask& tiny, const std::string& model, const std::string& save,
               const Words& more = {}) {
  Words flags =
      tiny.training({"--load_pretrain_checkpoint_path=" + model, "--vocab_file_path=", "--max_steps=1",
                     "--learning_rate=0", "--do_eval", "--save_finetune_checkpoint_path=" + tiny.path(save)});
  flags.insert(flags.end(), more.begin(), more.end());
  return flags;
}

void name_labels(const std::string& model, const Json& by_id) {
  edit_config(model, "id2label", by_id);
  edit_config(model, "label2id", nullptr);
}

}  // namespace

TEST_CASE("a tagger's head, CRF and all, goes by the names of its tags") {
  const TinyNer tiny;
  const std::string order = tiny.write("order.txt", "I-LOC\nB-PER\nO\nB-LOC\nI-PER\n");
  tiny.print(tiny.training({"--use_crf", "--epoch_num=60", "--learning_rate=1e-2", "--do_eval", "--dropout=0",
                            "--label_file_path=" + order, "--eval_steps=1000"}));
  REQUIRE(tiny.score("span_f1") == 100);
  const std::string best = tiny.path("save/best");
  std::string log = tiny.print(as_it_is(tiny, best, "same", {"--use_crf", "--label_file_path=" + order}));
  CHECK(contains(log, "the head of " + best + " is taken, its labels are those of the data\n"));
  CHECK(tiny.score("span_f1") == 100);
  log = tiny.print(as_it_is(tiny, best, "by_name", {"--use_crf"}));
  CHECK(
      contains(log, "its labels, in another order, are taken by name: 'O' is its 2, 'O'; 'B-LOC' is its 3"));
  CHECK(tiny.score("span_f1") == 100);
  const Json saved = json_of(file_content(tiny.path("by_name/best/config.json")));
  CHECK(saved["id2label"]["0"] == "O");

  // What has no names goes by number.
  name_labels(best,
              {{"0", "LABEL_0"}, {"1", "LABEL_1"}, {"2", "LABEL_2"}, {"3", "LABEL_3"}, {"4", "LABEL_4"}});
  log = tiny.print(as_it_is(tiny, best, "by_number", {"--use_crf", "--label_file_path=" + order}));
  CHECK(contains(log, "its labels have no names and are taken by number: 'I-LOC' is its 0, 'LABEL_0'"));
  CHECK(tiny.score("span_f1") == 100);

  // Other spellings of the same names.
  name_labels(best, {{"0", "i_loc"}, {"1", "b_per"}, {"2", "o"}, {"3", "b_loc"}, {"4", "i_per"}});
  log = tiny.print(as_it_is(tiny, best, "loosely", {"--use_crf"}));
  CHECK(contains(log, "are taken by name: 'O' is its 2, 'o'"));
  CHECK(tiny.score("span_f1") == 100);
}

TEST_CASE("a tagger of other tags begins with a new head, and says why") {
  const TinyNer tiny;
  tiny.print(tiny.training({"--max_steps=1"}));
  const std::string best = tiny.path("save/best");
  const auto log_of = [&](const std::string& save, const Words& more = {}) {
    return tiny.print(as_it_is(tiny, best, save, more));
  };
  const std::string more_tags = tiny.write("more.txt", "O\nB-PER\nI-PER\nB-LOC\nI-LOC\nB-ORG\n");
  const std::string reason = "a new head begins, that of " + best + " is not used: ";
  std::string log = log_of("more", {"--label_file_path=" + more_tags});
  CHECK(contains(
      log,
      reason + "it has 5 labels, the data have 6: only it has the labels none, only the data have B-ORG"));
  CHECK(contains(log, "new in this model: classifier.weight, classifier.bias\n"));
  name_labels(best, {{"0", "O"}, {"1", "B-X"}, {"2", "I-LOC"}, {"3", "B-PER"}, {"4", "I-PER"}});
  log = log_of("other");
  CHECK(contains(log, reason + "only it has the labels B-X, only the data have B-LOC"));
  edit_config(best, "label2id", {{"O", 1}, {"B-X", 0}, {"I-LOC", 2}, {"B-PER", 3}, {"I-PER", 4}});
  log = log_of("unclear");
  CHECK(contains(
      log, reason + "what its labels are is unclear: label 0 is 'O' in 'id2label' and 'B-X' in 'label2id'"));
  edit_config(best, "architectures", Json::array({"BertForSequenceClassification"}));
  log = log_of("class");
  CHECK(contains(log, reason + "it is one of BertForSequenceClassification"));
}

TEST_CASE("a classifier's head goes by the names of its classes, which may be numbers") {
  const TinyClassifier tiny;
  const std::string best = tiny.train_well({"--do_eval"});
  REQUIRE(tiny.score("accuracy") == 100);
  const std::string reversed = tiny.write("reversed.txt", "pos\nneg\n");
  std::string log =
      tiny.print(as_it_is(tiny, best, "by_name", {"--label_file_path=" + reversed, "--hidden_size=64"}));
  CHECK(contains(log, "in another order, are taken by name: 'pos' is its 1, 'pos'; 'neg' is its 0, 'neg'\n"));
  CHECK(tiny.score("accuracy") == 100);

  name_labels(best, {{"0", 1}, {"1", 0}});
  std::string numbered = classified_texts;
  for (const auto& [name, number] : {std::pair{"pos", "0"}, {"neg", "1"}}) {
    for (size_t at = 0; (at = numbered.find(name)) != std::string::npos;) numbered.replace(at, 3, number);
  }
  const std::string data = tiny.write("numbers.tsv", numbered);
  const Words numbers{"--hidden_size=64", "--train_data_file_path=" + data, "--eval_data_file_path=" + data};
  tiny.print(as_it_is(tiny, best, "numbers", numbers));
  CHECK(tiny.score("accuracy") == 100);

  // Names that are numbers are those of rows without names.
  name_labels(best, nullptr);
  log = tiny.print(as_it_is(tiny, best, "no_names", numbers));
  CHECK(contains(log, "its labels have no names and are taken by number: '0' is its 0; '1' is its 1\n"));
  CHECK(tiny.score("accuracy") == 0);
}

TEST_CASE("a classifier of other classes, or of scores, begins with a new head") {
  const TinyClassifier tiny;
  const std::string best = tiny.train_best();
  const std::string reason = "a new head begins, that of " + best + " is not used: ";
  const std::string three = tiny.write("three.txt", "pos\nneg\nnone\n");
  std::string log = tiny.print(as_it_is(tiny, best, "three", {"--label_file_path=" + three}));
  CHECK(contains(
      log,
      reason + "it has 2 labels, the data have 3: only it has the labels none, only the data have none"));
  const std::string scores = tiny.write("scores.tsv", scored_texts);
  const Words regression{"--assessment_method=spearman", "--train_data_file_path=" + scores,
                         "--eval_data_file_path=" + scores};
  log = tiny.print(as_it_is(tiny, best, "scores", regression));
  CHECK(contains(log, reason + "it has 2 labels, the data have 1"));
  log = tiny.print(as_it_is(tiny, tiny.path("scores/best"), "more_scores", regression));
  CHECK(contains(log, "the head of " + tiny.path("scores/best") + " is taken\n"));
  log = tiny.print(as_it_is(tiny, tiny.path("scores/best"), "classes"));
  CHECK(contains(log, "is not used: it has 1 label, the data have 2"));
}

TEST_CASE("a model that is trained further keeps its labels, and says what to do about others") {
  const TinyClassifier classifier;
  const std::string best = classifier.train_best();
  const std::string data = classifier.write("new.tsv", "good\tpos\nbad\tneg\na film\tnone\n");
  classifier.refuse(
      classifier.training({"--load_finetune_checkpoint_path=" + best,
                           "--vocab_file_path=", "--train_data_file_path=" + data,
                           "--save_finetune_checkpoint_path=" + classifier.path("more")}),
      data +
          ":3: unknown label 'none': a classifier that is trained further keeps its labels, neg, pos; "
          "--load_pretrain_checkpoint_path begins with a new head");
  const TinyNer tagger;
  tagger.print(tagger.training({"--max_steps=1"}));
  const std::string words = tagger.write("new.txt", "Anna B-PER\nmet O\nAcme B-ORG\n");
  tagger.refuse(
      tagger.training({"--load_finetune_checkpoint_path=" + tagger.path("save/best"),
                       "--vocab_file_path=", "--train_data_file_path=" + words,
                       "--save_finetune_checkpoint_path=" + tagger.path("more")}),
      words + ":3: word 'Acme': unknown label 'B-ORG': a tagger that is trained further keeps its labels, ");
}
