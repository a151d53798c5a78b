#include "tests/tasks/tiny_squad.h"

#include <fmt/core.h>

#include "tests/json.h"

namespace gradus {
namespace {

const std::vector<std::string> names{"anna", "boris", "clara", "dora"},
    places{"alden", "brom", "colby", "dell"};

const std::string vocabulary = [] {
  std::string pieces =
      "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n.\n?\nlives\nin\nis\nwhere\ndoes\nlive\nwho\nate\nthe\ncake\n";
  for (const auto& words : {names, places}) {
    for (const std::string& word : words) pieces += word + "\n";
  }
  for (const char* character : {"\u4E2D", "\u6587", "\u5317", "\u4EAC", "\u5728", "\u54EA"})
    pieces += std::string(character) + "\n";
  return pieces;
}();

}  // namespace

Json squad_question(const std::string& id, const std::string& text, const std::string& context,
                    const std::string& answer) {
  Json answers = Json::array();
  if (!answer.empty()) answers.push_back({{"text", answer}, {"answer_start", context.find(answer)}});
  return {{"id", id}, {"question", text}, {"answers", answers}};
}

Json squad_file(const Json& paragraphs) {
  return {{"version", "1"}, {"data", Json::array({{{"title", "t"}, {"paragraphs", paragraphs}}})}};
}

Json toy_questions() {
  Json paragraphs = Json::array();
  for (size_t i = 0; i < names.size(); ++i) {
    const size_t k = (i + 1) % names.size();
    const std::string context =
        names[i] + " lives in " + places[i] + " . " + names[k] + " is in " + places[k];
    const Json questions = Json::array(
        {squad_question(fmt::format("a{}", i), "where does " + names[i] + " live ?", context, places[i]),
         squad_question(fmt::format("b{}", i), "where is " + names[k] + " ?", context, places[k])});
    paragraphs.push_back({{"context", context}, {"qas", questions}});
  }
  return squad_file(paragraphs);
}

Json toy_questions_with_none() {
  Json file = toy_questions();
  edit_questions(file, [](Json& question) { question["is_impossible"] = false; });
  Json& paragraphs = file["data"][0]["paragraphs"];
  for (size_t i = 0; i < paragraphs.size(); ++i) {
    Json& questions = paragraphs[i]["qas"];
    Json none = squad_question("n" + questions[0]["id"].text(), "who ate the cake ?",
                               paragraphs[i]["context"].text(), "");
    none["is_impossible"] = true;
    questions.push_back(none);
  }
  return file;
}

void edit_questions(Json& file, const std::function<void(Json& question)>& edit) {
  Json& paragraphs = file["data"][0]["paragraphs"];
  for (size_t i = 0; i < paragraphs.size(); ++i) {
    Json& questions = paragraphs[i]["qas"];
    for (size_t k = 0; k < questions.size(); ++k) edit(questions[k]);
  }
}

TinySquad::TinySquad() : TinyTask("run_squad", json_text(toy_questions()), vocabulary) {
  write("v2.json", json_text(toy_questions_with_none()));
}

Words TinySquad::learning(const std::string& data, int epochs, const Words& more) const {
  Words flags{"--do_eval",
              "--hidden_size=32",
              "--num_hidden_layers=2",
              "--intermediate_size=64",
              "--max_position_embeddings=64",
              "--seq_length=32",
              "--max_query_length=10",
              "--doc_stride=8",
              "--train_batch_size=6",
              "--dropout=0",
              "--epoch_num=" + std::to_string(epochs),
              "--eval_steps=1000",
              "--train_data_file_path=" + path(data),
              "--eval_data_file_path=" + path(data)};
  flags.insert(flags.end(), more.begin(), more.end());
  return training(flags);
}

Words TinySquad::using_it(const std::string& what, const Words& more) const {
  Words flags{what,
              "--threads=1",
              "--seq_length=32",
              "--max_query_length=10",
              "--doc_stride=8",
              "--load_finetune_checkpoint_path=" + path("save"),
              "--metrics_file=" + path("metrics.json")};
  flags.insert(flags.end(), more.begin(), more.end());
  return flags;
}

Json TinySquad::json(const std::string& name) const { return json_of(file_content(path(name))); }

Json TinySquad::settings(const std::string& checkpoint) const {
  return json(checkpoint + "/config.json").at("gradus_squad");
}

}  // namespace gradus
