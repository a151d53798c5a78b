#include "data/classification_forms.h"

#include <algorithm>

#include "core/ascii.h"
#include "core/error.h"
#include "core/joined.h"

namespace gradus {
namespace {

using Labels = std::vector<std::string>;

const Labels binary{"0", "1"};
// In the order that google-research/bert and CLUE's baseline give them.
const Labels inference{"contradiction", "entailment", "neutral"};
const Labels entailment{"entailment", "not_entailment"};

Labels numbers_to(int last) {
  Labels labels;
  for (int i = 0; i <= last; ++i) labels.push_back(std::to_string(i));
  return labels;
}

constexpr std::array<std::string_view, 3> json_files{"train.json", "dev.json", "test.json"};

}  // namespace

const std::vector<ClassificationForm>& classification_forms() {
  static const std::vector<ClassificationForm> forms{
      // Of one's own.
      {.name = "tsv", .about = "a table of your own, or JSON lines"},
      {.name = "csv",
       .about = "a table of your own, as spreadsheets write it",
       .syntax = FormSyntax::spreadsheet,
       .files = {"train.csv", "dev.csv", "test.csv"}},

      // GLUE.
      {.name = "cola",
       .about = "GLUE: is a sentence acceptable?",
       .text = {"sentence"},
       .label = {"label"},
       .without_header = {"source", "label", "mark", "sentence"},
       .labels = binary,
       .measures = {"mcc"}},
      {.name = "sst2",
       .aliases = {"sst-2"},
       .about = "GLUE: does a review praise?",
       .text = {"sentence"},
       .label = {"label"},
       .labels = binary},
      {.name = "mrpc",
       .about = "GLUE: do two sentences say the same?",
       .text = {"#1 String"},
       .pair = {"#2 String"},
       .label = {"Quality"},
       .labels = binary,
       .measures = {"accuracy", "f1"}},
      {.name = "sts_b",
       .aliases = {"sts-b", "stsb"},
       .about = "GLUE: how alike are two sentences?",
       .text = {"sentence1"},
       .pair = {"sentence2"},
       .label = {"score"},
       .scores = true,
       .measures = {"spearman_correlation", "pearson_correlation"}},
      {.name = "qqp",
       .about = "GLUE: do two questions ask the same?",
       .text = {"question1"},
       .pair = {"question2"},
       .label = {"is_duplicate"},
       .labels = binary,
       .measures = {"accuracy", "f1"}},
      {.name = "mnli",
       .aliases = {"mnli-m", "mnli_m"},
       .about = "GLUE: does a sentence follow from another? Scored on the genres of the training data",
       .text = {"sentence1"},
       .pair = {"sentence2"},
       .label = {"gold_label"},
       .labels = inference,
       .disputed = "-",
       .files = {"train.tsv", "dev_matched.tsv", "test_matched.tsv"}},
      {.name = "mnli_mm",
       .aliases = {"mnli-mm"},
       .about = "The same, scored on other genres",
       .text = {"sentence1"},
       .pair = {"sentence2"},
       .label = {"gold_label"},
       .labels = inference,
       .disputed = "-",
       .files = {"train.tsv", "dev_mismatched.tsv", "test_mismatched.tsv"}},
      {.name = "ax",
       .about = "GLUE's diagnostic set, for a model of MNLI",
       .text = {"sentence1", "Premise"},
       .pair = {"sentence2", "Hypothesis"},
       .label = {"gold_label", "Label"},
       .labels = inference,
       .disputed = "-",
       .measures = {"mcc"},
       .files = {"train.tsv", "diagnostic-full.tsv", "diagnostic.tsv"}},
      {.name = "qnli",
       .about = "GLUE: does a sentence answer a question?",
       .text = {"question"},
       .pair = {"sentence"},
       .label = {"label"},
       .labels = entailment},
      {.name = "rte",
       .about = "GLUE and SuperGLUE: does a sentence follow from a text?",
       .text = {"sentence1", "premise"},
       .pair = {"sentence2", "hypothesis"},
       .label = {"label"},
       .labels = entailment},
      {.name = "wnli",
       .about = "GLUE: does a sentence, its pronoun replaced, follow?",
       .text = {"sentence1"},
       .pair = {"sentence2"},
       .label = {"label"},
       .labels = binary},

      // What MNLI was made after.
      {.name = "snli",
       .about = "SNLI: MNLI's question about what pictures show",
       .text = {"sentence1"},
       .pair = {"sentence2"},
       .label = {"gold_label"},
       .labels = inference,
       .disputed = "-",
       .files = {"snli_1.0_train.txt", "snli_1.0_dev.txt", "snli_1.0_test.txt"}},

      // MNLI in other languages: what is to be trained on was translated by machine, and spells a label otherwise.
      {.name = "xnli",
       .about = "XNLI: MNLI's question in 15 languages, of which --language names one",
       .text = {"sentence1", "premise"},
       .pair = {"sentence2", "hypo"},
       .label = {"gold_label", "label"},
       .labels = inference,
       .spellings = {{"contradictory", "contradiction"}},
       .disputed = "-",
       .language = "language",
       .files = {"multinli/multinli.train.{}.tsv", "xnli.dev.tsv", "xnli.test.tsv"}},

      // CLUE.
      {.name = "tnews",
       .about = "CLUE: the topic of a headline",
       .syntax = FormSyntax::json_lines,
       .text = {"sentence"},
       .label = {"label"},
       // 105 and 111 were left out.
       .labels = {"100", "101", "102", "103", "104", "106", "107", "108", "109", "110", "112", "113", "114",
                  "115", "116"},
       .files = json_files,
       .records = {"train", "dev", "predict"}},  // as mindspore-ai/models
      {.name = "iflytek",
       .about = "CLUE: the kind of an app, by its description",
       .syntax = FormSyntax::json_lines,
       .text = {"sentence"},
       .label = {"label"},
       .labels = numbers_to(118),
       .files = json_files},
      {.name = "afqmc",
       .about = "CLUE: do two questions to a bank ask the same?",
       .syntax = FormSyntax::json_lines,
       .text = {"sentence1"},
       .pair = {"sentence2"},
       .label = {"label"},
       .labels = binary,
       .files = json_files},
      {.name = "cmnli",
       .about = "CLUE: MNLI's question in Chinese",
       .syntax = FormSyntax::json_lines,
       .text = {"sentence1", "premise"},
       .pair = {"sentence2", "hypothesis"},
       .label = {"label"},
       .labels = inference,
       .disputed = "-",
       .files = json_files},
      {.name = "ocnli",
       .about = "CLUE: the same, of texts that are no translations",
       .syntax = FormSyntax::json_lines,
       .text = {"sentence1"},
       .pair = {"sentence2"},
       .label = {"label"},
       .labels = inference,
       .disputed = "-",
       .files = {"train.50k.json", "dev.json", "test.json"}},
      {.name = "csl",
       .about = "CLUE: are all of the keywords those of an abstract?",
       .syntax = FormSyntax::json_lines,
       .text = {"keyword"},
       .pair = {"abst"},
       .label = {"label"},
       .labels = binary,
       .files = json_files},
      {.name = "cluewsc2020",
       .aliases = {"wsc", "cluewsc"},
       .about = "CLUE: does a pronoun mean a noun? Both are marked in the text",
       .syntax = FormSyntax::json_lines,
       .text = {"text"},
       .label = {"label"},
       .labels = {"true", "false"},
       .marks_words = true,
       .files = json_files},
  };
  return forms;
}

const ClassificationForm* find_classification_form(std::string_view name) {
  const auto& forms = classification_forms();
  const auto found = std::ranges::find_if(forms, [&](const ClassificationForm& form) {
    return same_ignoring_case(form.name, name) || std::ranges::any_of(form.aliases, [&](const auto& alias) {
             return same_ignoring_case(alias, name);
           });
  });
  return found == forms.end() ? nullptr : &*found;
}

const ClassificationForm& classification_form(std::string_view name) {
  const ClassificationForm* form = find_classification_form(name);
  check(form != nullptr, "data set '{}': expected one of {}", name, classification_form_names());
  return *form;
}

std::string classification_form_names() {
  std::vector<std::string_view> names;
  for (const ClassificationForm& form : classification_forms()) names.push_back(form.name);
  return joined(names, ", ").str();
}

}  // namespace gradus
