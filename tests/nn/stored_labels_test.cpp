#include "nn/stored_labels.h"

#include <doctest/doctest.h>

#include "nn/bert_config.h"
#include "tests/json.h"

using namespace gradus;
using Names = std::vector<std::string>;

namespace {

StoredLabels read(const char* id2label, const char* label2id = "null") {
  return read_stored_labels(json_of(id2label), json_of(label2id));
}

}  // namespace

TEST_CASE("labels are read from either list, and numbers are names, too") {
  CHECK(read("null").names.empty());
  CHECK(read("null").problem.empty());
  CHECK(read(R"({"1": "B", "0": "O"})").names == Names{"O", "B"});
  CHECK(read(R"(["O", "B"])").names == Names{"O", "B"});
  CHECK(read(R"({"0": 1, "1": 0})").names == Names{"1", "0"});
  CHECK(read(R"({"0": -1.5, "1": 2})").names == Names{"-1.5", "2"});
  CHECK(read("null", R"({"neg": 1, "pos": 0})").names == Names{"pos", "neg"});
  CHECK(read(R"({"0": 0, "1": 1})", R"({"0": 0, "1": 1})").names == Names{"0", "1"});
}

TEST_CASE("names of somebody's choice count before LABEL_0") {
  const char* by_id = R"({"0": "LABEL_0", "1": "LABEL_1"})";
  const char* by_name = R"({"LABEL_0": 0, "LABEL_1": 1})";
  CHECK(read(by_id, by_name).names == Names{"LABEL_0", "LABEL_1"});
  CHECK(read(R"({"0": "x", "1": "y"})", by_name).names == Names{"x", "y"});
  CHECK(read(by_id, R"({"y": 0, "x": 1})").names == Names{"y", "x"});
  CHECK(are_default_labels({"LABEL_0", "LABEL_1"}));
  CHECK_FALSE(are_default_labels({"LABEL_1", "LABEL_0"}));
  CHECK_FALSE(are_default_labels({}));
}

TEST_CASE("labels that can't be relied on say why, and give none") {
  const auto problem = [](const char* id2label, const char* label2id = "null") {
    const StoredLabels labels = read(id2label, label2id);
    CHECK(labels.names.empty());
    return labels.problem;
  };
  CHECK(problem(R"({"0": "O", "2": "B"})") == "'id2label' has 2 labels but none for 1");
  CHECK(problem(R"({"0": null})") == "label 0 of 'id2label' is of type null, expected a string");
  CHECK(problem("3") == "'id2label' is of type number, expected an object");
  CHECK(problem(R"({"0": "O", "1": "O"})") == "the label 'O' is there twice");
  CHECK(problem("null", R"({"O": 1})") ==
        "'label2id' gives 'O' the number 1, expected each from 0 to 0 once");
  CHECK(problem("null", R"({"O": 0, "B": 0})").find("expected each from 0 to 1 once") != std::string::npos);
  CHECK(problem("null", "[]") == "'label2id' is of type array, expected an object");
  CHECK(problem(R"({"0": "a", "1": "b"})", R"({"b": 0, "a": 1})") ==
        "label 0 is 'a' in 'id2label' and 'b' in 'label2id'");
  CHECK(problem(R"({"0": "a", "1": "b"})", R"({"a": 0})") == "'id2label' has 2 labels, 'label2id' 1");
}

TEST_CASE("labels find their rows by name, and loosely where that is plain") {
  CHECK(match_labels({"a", "b", "c"}, {"c", "a", "b"}).rows == std::vector<int64_t>{2, 0, 1});
  CHECK_FALSE(match_labels({"a", "b"}, {"b", "a"}).loosely);
  const LabelRows loose = match_labels({"B_PER", "o"}, {"O", "B-PER"});
  CHECK(loose.rows == std::vector<int64_t>{1, 0});
  CHECK(loose.loosely);
  CHECK(match_labels({"a", "b"}, {"a", "c"}).rows.empty());
  CHECK(match_labels({"a", "b", "c"}, {"a", "b"}).rows.empty());
  CHECK(match_labels({"a", "b"}, {"a", "b", "c"}).rows.empty());
  CHECK(match_labels({"A", "a"}, {"A", "a"}).rows == std::vector<int64_t>{0, 1});
  CHECK(match_labels({"A", "a"}, {"a", "b"}).rows.empty());
  CHECK(match_labels({"A", "a"}, {"a", "a "}).rows.empty());
  CHECK(match_labels({}, {"a"}).rows.empty());
}

TEST_CASE("a configuration with labels that can't be relied on is read, and says so") {
  const BertConfig config = parse_bert_config(
      R"({"vocab_size": 9, "architectures": ["BertForTokenClassification"], "id2label": {"1": "O"}})",
      "c.json", BertConfigFormat::hugging_face);
  CHECK(config.labels.empty());
  CHECK(config.labels_problem == "'id2label' has 1 label but none for 0");
  CHECK(config.architecture == "BertForTokenClassification");
}
