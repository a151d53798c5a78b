// Every form in which texts with a class come, by a small file of its layout in tests/data/forms.
#include <doctest/doctest.h>

#include <filesystem>
#include <map>

#include "core/error.h"
#include "data/class_labels.h"
#include "data/classification_text.h"
#include "tests/data/files.h"

using namespace gradus;
using gradus::test::TempFile;
namespace fs = std::filesystem;
using Strings = std::vector<std::string>;

namespace {

struct Sample {
  std::string text_a, text_b;  // of the first example; "": no pair
  Strings labels;              // of all
  std::string note = "";       // one of those told
  ClassificationColumns columns = {};
};

// What the file of a form's name has in it.
const std::map<std::string_view, Sample>& samples() {
  static const std::map<std::string_view, Sample> all{
      {"tsv", {"a fine \"film\"", "", {"good", "bad"}}},
      {"csv",
       {"fine; really\nfine",
        "",
        {"good", "bad"},
        "CSV with a semicolon between cells",
        {{"--text_column", "review"}, {}, {"--label_column", "stars"}}}},
      {"cola", {"They drank.", "", {"1", "0"}}},
      {"sst2", {"a fine film ", "", {"1", "0"}}},
      {"mrpc", {"He said \"no .", "\"No\" , he said .", {"1", "0"}}},
      {"sts_b", {"A man runs.", "A dog runs.", {"1.250", "5.000"}}},
      {"qqp",
       {"How old is it?",
        "What is its age?",
        {"1", "0"},
        "1 line of too few columns is left out, the first line 3"}},
      {"mnli", {"The \"old man slept.", "He was asleep.", {"entailment", "contradiction", "neutral"}}},
      {"mnli_mm",
       {"They met.",
        "They had a meeting.",
        {"entailment", "contradiction"},
        "1 text with the label '-' is left out"}},
      {"ax", {"The cat sat.", "The cat did not sit.", {"contradiction", "contradiction", "entailment"}}},
      {"qnli", {"Where is it?", "It is in \"Alden\".", {"entailment", "not_entailment"}}},
      {"rte", {"Alden is a town by the sea.", "Alden is a town.", {"entailment", "not_entailment"}}},
      {"wnli", {"The bag was in the way, so he moved it.", "He moved the bag.", {"1", "0"}}},
      {"snli",
       {"A \"tall man walks.",
        "He walks home.",
        {"neutral", "entailment"},
        "1 row ends behind label1, the first line 2"}},
      {"xnli",
       {"他走了。",
        "他离开了。",
        {"entailment"},
        "2 rows of other languages are left out: de",
        {{}, {}, {}, 0, "zh"}}},
      {"tnews", {"新片上映", "", {"102", "116"}}},
      {"iflytek", {"买东西可以省钱。", "", {"11", "118"}}},
      {"afqmc", {"怎么还款", "如何还钱", {"1", "0"}}},
      {"cmnli",
       {"他走了。", "他离开了。", {"entailment", "contradiction"}, "1 text with the label '-' is left out"}},
      {"ocnli",
       {"他走了。", "他离开了。", {"entailment", "neutral"}, "1 text with the label '-' is left out"}},
      {"csl", {"河流 水质", "本文研究河流的水质。", {"1", "0"}}},
      {"cluewsc2020", {"_小明_走了,因为[他]累了。", "", {"true", "false"}}},
  };
  return all;
}

std::string sample_path(const ClassificationForm& form) {
  const char* ending = form.syntax == FormSyntax::json_lines    ? ".json"
                       : form.syntax == FormSyntax::spreadsheet ? ".csv"
                                                                : ".tsv";
  const auto path = test::find_file("GRADUS_SOURCE", fmt::format("tests/data/forms/{}{}", form.name, ending));
  REQUIRE_MESSAGE(path.has_value(), "no tests/data/forms/" << form.name << ending);
  return *path;
}

std::string content(const std::string& path) {
  std::string text;
  LineReader reader(path);
  for (std::string_view line; reader.next(line);) text.append(line).append("\n");
  return text;
}

}  // namespace

TEST_CASE("every form has a sample, which is read as published") {
  for (const ClassificationForm& form : classification_forms()) {
    CAPTURE(form.name);
    const auto sample = samples().find(form.name);
    REQUIRE_MESSAGE(sample != samples().end(), "no sample of the form " << form.name);
    const ClassificationData data =
        read_classification(sample_path(form), form, ClassLabelUse::required, sample->second.columns);
    CHECK(data.texts.front().text_a == sample->second.text_a);
    CHECK(data.texts.front().text_b.value_or("") == sample->second.text_b);
    CHECK(data.texts.front().text_b.has_value() == !form.pair.empty());
    Strings labels;
    for (const ClassificationText& text : data.texts) labels.push_back(text.label);
    CHECK(labels == sample->second.labels);
    if (!form.labels.empty()) {
      for (const std::string& label : labels) CHECK(ClassLabels(form.labels).find(label) >= 0);
    }
    CHECK(form.is_own() == (form.labels.empty() && !form.scores));
    if (form.scores) CHECK(data.texts.front().score == 1.25F);
    CHECK_MESSAGE(data.log().find(sample->second.note) != std::string::npos, data.log());
    CHECK(find_classification_form(form.name) == &form);
    for (const std::string& alias : form.aliases) CHECK(find_classification_form(alias) == &form);
    CHECK_FALSE(form.about.empty());
    CHECK_FALSE(form.measures.empty());
  }
  for (const auto& [name, sample] : samples()) CHECK(find_classification_form(name) != nullptr);
  CHECK(samples().size() == classification_forms().size());
}

TEST_CASE("what is to be predicted may have labels, right or wrong, which are left alone") {
  for (const ClassificationForm& form : classification_forms()) {
    CAPTURE(form.name);
    const Sample& sample = samples().at(form.name);
    const ClassificationData data =
        read_classification(sample_path(form), form, ClassLabelUse::ignored, sample.columns, true);
    CHECK_FALSE(data.labelled);
    CHECK(data.texts.front().label.empty());
    CHECK(data.texts.front().text_a == sample.text_a);
    CHECK_FALSE(data.texts.front().row.empty());
    CHECK_MESSAGE(data.log().find("left alone") != std::string::npos, data.log());
    // Also those on which nobody agreed.
    if (form.disputed == "-" && form.name != "mnli" && form.name != "ax" && form.name != "xnli")
      CHECK(data.texts.size() == sample.labels.size() + 1);
  }
}

TEST_CASE("XNLI: what was translated to train on has names and a label of its own") {
  const ClassificationForm& xnli = classification_form("xnli");
  const TempFile file("premise\thypo\tlabel\n他 走 了 。\t他 还 在 。\tcontradictory\n");
  const ClassificationData data =
      read_classification(file.path(), xnli, ClassLabelUse::required, {{}, {}, {}, 0, "zh"});
  CHECK(data.texts.at(0).label == "contradiction");
  CHECK(data.texts[0].text_b == "他 还 在 。");
  CHECK(data.notes.back() == "no column 'language': the texts of all rows are read");
  CHECK(read_classification(sample_path(xnli), xnli, ClassLabelUse::required).texts.size() == 3);
  CHECK_THROWS_WITH_AS(
      read_classification(sample_path(xnli), xnli, ClassLabelUse::required, {{}, {}, {}, 0, "fr"}),
      (sample_path(xnli) + ": no row has the language 'fr': there are de, zh").c_str(), Error);
}

TEST_CASE(
    "MultiNLI, SNLI, XNLI and SuperGLUE are published as JSON lines, too, and read as what their names say") {
  const auto read = [](const char* form, const std::string& text, const std::string& language = "") {
    const TempFile file(text);
    return read_classification(file.path(), classification_form(form), ClassLabelUse::required,
                               {{}, {}, {}, 0, language});
  };
  const std::string two =
      R"({"annotator_labels": ["neutral"], "gold_label": "neutral", "sentence1": "a", "sentence2": "b"})"
      "\n"
      R"({"annotator_labels": ["neutral", "x"], "gold_label": "-", "sentence1": "c", "sentence2": "d"})"
      "\n";
  for (const char* form : {"mnli", "mnli_mm", "snli"}) {
    const ClassificationData data = read(form, two);
    REQUIRE(data.texts.size() == 1);
    CHECK(data.texts[0].text_a == "a");
    CHECK(data.texts[0].text_b == "b");
    CHECK(data.texts[0].label == "neutral");
    CHECK(data.notes ==
          Strings{"names that are not read: annotator_labels", "1 text with the label '-' is left out"});
  }
  const std::string many =
      R"({"language": "de", "gold_label": "neutral", "sentence1": "a", "sentence2": "b"})"
      "\n"
      R"({"language": "zh", "gold_label": "entailment", "sentence1": "c", "sentence2": "d"})"
      "\n";
  CHECK(read("xnli", many).texts.size() == 2);
  const ClassificationData chinese = read("xnli", many, "ZH");
  REQUIRE(chinese.texts.size() == 1);
  CHECK(chinese.texts[0].text_a == "c");
  CHECK(chinese.notes == Strings{"1 row of another language is left out: de"});
  CHECK(read("xnli", two + two, "zh").notes.at(1) == "no \"language\": the texts of all rows are read");
  CHECK_THROWS_WITH_AS(read("xnli", many, "fr"),
                       doctest::Contains(": no row has the language 'fr': there are de, zh"), Error);
  CHECK_THROWS_WITH_AS(read("xnli", many + two, "zh"),
                       doctest::Contains(":3: the row has no string \"language\""), Error);
  const ClassificationData super =
      read("rte", R"({"premise": "a", "hypothesis": "b", "label": "not_entailment", "idx": 0})");
  CHECK(super.texts.at(0).text_b == "b");
  CHECK_THROWS_WITH_AS(
      read("mnli", R"({"question": "a", "label": "x"})"),
      doctest::Contains(":1: the object has the names question, label: expected one named sentence1, "
                        "as files of mnli have"),
      Error);
}

TEST_CASE("SNLI: rows of one annotator may end behind the first label, and nowhere else") {
  const ClassificationForm& snli = classification_form("snli");
  const std::string text = content(sample_path(snli));
  const TempFile shifted(text + "neutral\t( p )\t( q )\t(ROOT p)\t(ROOT q)\ta\tb\t9.jpg\t9n\tneutral\t\t\n");
  CHECK_THROWS_WITH_AS(read_classification(shifted.path(), snli, ClassLabelUse::required),
                       doctest::Contains(":5: found 12 columns: expected 14: gold_label, "), Error);
  // Where the label stands behind those of the annotators, none may be missing.
  const TempFile behind(
      "sentence1\tsentence2\tlabel1\tlabel2\tlabel3\tlabel4\tlabel5\tgold_label\na\tb\tneutral\n");
  CHECK_THROWS_WITH_AS(read_classification(behind.path(), snli, ClassLabelUse::required),
                       doctest::Contains(":2: found 3 columns: expected 8: "), Error);
  // Nor where one of the labels in columns of their own stands there.
  ClassificationColumns columns{{"--text_column", "sentence1"}, {}, {}};
  columns.several_labels = true;
  columns.label_columns = {{"--label_columns", "label1"}, {"--label_columns", "label5"}};
  CHECK_THROWS_WITH_AS(
      read_classification(sample_path(snli), classification_form("tsv"), ClassLabelUse::required, columns),
      doctest::Contains(":2: found 10 columns: expected 14: gold_label, "), Error);
  // A row that is kept has all columns, so that more can be added behind them.
  const ClassificationData kept =
      read_classification(sample_path(snli), snli, ClassLabelUse::ignored, {}, true);
  CHECK(kept.texts.at(0).row.ends_with("\tneutral\t\t\t\t"));
  // The rule is the header's: a table of one's own with the same names follows it.
  const TempFile own(text);
  CHECK(read_classification(own.path(), classification_form("tsv"), ClassLabelUse::required).texts.size() ==
        2);
}

TEST_CASE("files without labels have their columns elsewhere: the header says where") {
  const auto first = [](const char* form, const std::string& text) {
    const TempFile file(text);
    const ClassificationData data =
        read_classification(file.path(), classification_form(form), ClassLabelUse::optional);
    CHECK_FALSE(data.labelled);
    return Strings{data.texts.at(0).text_a, data.texts[0].text_b.value_or("none")};
  };
  CHECK(first("qqp", "id\tquestion1\tquestion2\n0\ta\tb\n") == Strings{"a", "b"});
  CHECK(first("mnli", "index\tgenre\tsentence1_parse\tsentence1\tsentence2\n0\tg\tp\ta\tb\n") ==
        Strings{"a", "b"});
  CHECK(first("ax", "index\tsentence1\tsentence2\n0\ta\tb\n") == Strings{"a", "b"});
  CHECK(first("cmnli", "{\"id\": 0, \"sentence1\": \"a\", \"sentence2\": \"b\"}\n") == Strings{"a", "b"});
  // CLUE's diagnostic set, for a model of CMNLI.
  CHECK(first("cmnli", "{\"index\": 1, \"premise\": \"a\", \"hypothesis\": \"b\"}\n") == Strings{"a", "b"});
}

TEST_CASE("CLUEWSC2020: noun and pronoun are marked where the object says, or it is refused") {
  const ClassificationForm& wsc = classification_form("cluewsc2020");
  const ClassificationData data = read_classification(sample_path(wsc), wsc, ClassLabelUse::required);
  CHECK(data.texts.at(1).text_a == "[它]坏了,_门_没关。");
  const auto refused = [&](const std::string& from, const std::string& to, const std::string& message) {
    std::string text = content(sample_path(wsc));
    text.replace(text.find(from), from.size(), to);
    const TempFile file(text);
    CHECK_THROWS_WITH_AS(read_classification(file.path(), wsc, ClassLabelUse::required),
                         file.error(message).c_str(), Error);
  };
  refused("\"span2_index\": 7", "\"span2_index\": 8",
          ":1: 'span2_text' is '他', but from character 8 on the text has '累'");
  refused("\"span2_index\": 7", "\"span2_index\": 700",
          ":1: 'span2_text' is '他', but from character 700 on the text has ''");
  refused("\"span1_text\": \"小明\", ", "", ":1: 'target.span1_text' is missing");
  refused("\"span1_index\": 0", "\"span1_index\": -1",
          ":1: 'target.span1_index' is -1, expected a whole number from 0 to 16777216");
}

TEST_CASE("forms have names and labels") {
  CHECK_THROWS_WITH_AS(
      classification_form("no_such"),
      fmt::format("data set 'no_such': expected one of {}", classification_form_names()).c_str(), Error);
  CHECK(classification_form_names().starts_with("tsv, csv, cola, "));
  CHECK(&classification_form("MNLI-MM") == &classification_form("mnli_mm"));
  CHECK(classification_form("mrpc").labels == Strings{"0", "1"});
  const ClassLabels tnews(classification_form("tnews").labels);
  CHECK(tnews.size() == 15);
  CHECK(tnews.id("106") == 5);
  CHECK(tnews.id("116") == 14);
  CHECK(classification_form("iflytek").labels.size() == 119);
}

TEST_CASE("docs/classification.md has a row for every form, as the table has it") {
  const auto page = test::find_file("GRADUS_SOURCE", "docs/classification.md");
  REQUIRE(page.has_value());
  const std::string text = content(*page);
  size_t rows = 0;
  for (const ClassificationForm& form : classification_forms()) {
    std::string measures, files;
    for (const std::string_view measure : form.measures)
      measures += fmt::format("{}{}", measures.empty() ? "" : ", ", measure);
    for (const std::string_view file : form.files)
      files += fmt::format("{}{}", files.empty() ? "" : ", ", file);
    const std::string row = fmt::format("| {} | {} | {} | {} |\n", form.name, form.about, files, measures);
    CHECK_MESSAGE(text.find(row) != std::string::npos, "expected the row " << row);
    ++rows;
  }
  CHECK(rows > 20);
}
