// run_squad on questions in rows: JSON objects and CSV, which come back with answers in them.
#include <doctest/doctest.h>

#include "core/error.h"
#include "tests/json.h"
#include "tests/tasks/tiny_squad.h"

using namespace gradus;
namespace fs = std::filesystem;

namespace {

const std::string mark = "\xEF\xBB\xBF";

// The rows of a file of SQuAD's form as Hugging Face's datasets has them.
std::vector<Json> rows_of(const Json& file) {
  std::vector<Json> rows;
  for (const Json& paragraph : file["data"][0]["paragraphs"].items()) {
    for (const Json& question : paragraph["qas"].items()) {
      Json texts = Json::array(), starts = Json::array();
      for (const Json& answer : question["answers"].items()) {
        texts.push_back(answer["text"]);
        starts.push_back(answer["answer_start"]);
      }
      rows.push_back({{"id", question["id"]},
                      {"title", "t"},
                      {"context", paragraph["context"]},
                      {"question", question["question"]},
                      {"answers", {{"text", texts}, {"answer_start", starts}}}});
    }
  }
  return rows;
}

std::string lines_of_rows(const std::vector<Json>& rows) {
  std::string lines;
  for (const Json& row : rows) lines += json_text(row) + "\n";
  return lines;
}

std::string csv_of_rows(const std::vector<Json>& rows) {
  std::string csv = mark + "id;context;question;answer;answer_start\r\n";
  for (const Json& row : rows) {
    const Json &texts = row["answers"]["text"], &starts = row["answers"]["answer_start"];
    csv +=
        fmt::format("{};\"{}\";{};{};{}\r\n", row["id"].text(), row["context"].text(), row["question"].text(),
                    texts.empty() ? "" : texts[0].text(), starts.empty() ? "" : json_text(starts[0]));
  }
  return csv;
}

}  // namespace

TEST_CASE("run_squad learns the same from rows as from SQuAD's form, to the last bit") {
  for (const bool version_2 : {false, true}) {
    const TinySquad tiny;
    const std::vector<Json> rows = rows_of(version_2 ? toy_questions_with_none() : toy_questions());
    tiny.write("rows.jsonl", lines_of_rows(rows));
    tiny.write("list.json", json_text(Json(rows)));
    tiny.write("data.json", json_text({{"data", rows}}));
    tiny.write("rows.csv", csv_of_rows(rows));
    const auto results = [&](const std::string& file) {
      tiny.print(tiny.learning(file, 3));
      Words files;
      for (const char* name :
           {"save/best/model.safetensors", "save/predictions.json", "save/nbest_predictions.json"})
        files.push_back(file_content(tiny.path(name)));
      fs::remove_all(tiny.path("save"));
      return files;
    };
    const Words expected = results(version_2 ? "v2.json" : "train.txt");
    for (const char* file : {"rows.jsonl", "list.json", "data.json", "rows.csv"}) {
      CAPTURE(file);
      CHECK(results(file) == expected);
    }
  }
}

TEST_CASE("run_squad answers rows as it answers SQuAD's form, and gives a table back with answers in it") {
  const TinySquad tiny;
  tiny.print(tiny.learning("train.txt", 60));
  const std::vector<Json> rows = rows_of(toy_questions());
  const std::string csv = tiny.write("rows.csv", csv_of_rows(rows)),
                    lines = tiny.write("rows.jsonl", lines_of_rows(rows));
  const auto answered = [&](const std::string& file, const Words& more = {}) {
    Words flags{"--predict_data_file_path=" + file};
    flags.insert(flags.end(), more.begin(), more.end());
    const Outcome outcome = tiny.run(tiny.using_it("--do_predict", flags));
    REQUIRE_MESSAGE(outcome.status == 0, outcome.err);
    return outcome.out;
  };
  const std::string asked = tiny.path("train.txt");
  for (const Words& form : {Words{}, Words{"--json"}, Words{"--predict_form=text", "--json"}}) {
    for (const std::string& file : {csv, lines}) CHECK(answered(file, form) == answered(asked, form));
  }
  CHECK(answered(csv, {"--predict_form=text", "--json"}) == answered(csv));
  answered(csv, {"--output_dir=" + tiny.path("out")});
  CHECK(file_content(tiny.path("out/predictions.json")) == file_content(tiny.path("save/predictions.json")));

  const Words table = lines_of(answered(csv, {"--predict_form=table"}));
  REQUIRE(table.size() == 9);
  CHECK(table[0] == mark + "id;context;question;answer;answer_start;predicted_answer;probability\r");
  CHECK(table[1].starts_with(
      "a0;\"anna lives in alden . boris is in brom\";where does anna live ?;alden;14;alden;0."));
  CHECK(table[8].ends_with("\r"));
  // Without a mark and ids; a question with two answers has two rows.
  const std::string twice = tiny.write(
      "twice.csv",
      "context,question,text\n" +
          fmt::format("{0},alden\n{0},brom\n", "anna lives in alden . boris is in brom,where is boris ?"));
  const Words both = lines_of(answered(twice, {"--predict_form=table"}));
  REQUIRE(both.size() == 3);
  CHECK(both[0] == "context,question,text,predicted_answer,probability");
  CHECK(both[1].find("?,alden,brom,0.") != std::string::npos);
  CHECK(both[2].find("?,brom,brom,0.") != std::string::npos);
  CHECK(lines_of(answered(twice)).size() == 1);
}

TEST_CASE("run_squad gives JSON rows back with answers in them, and makes such of other questions") {
  const TinySquad tiny;
  tiny.print(tiny.learning("train.txt", 60));
  const std::string first =
      R"({"more": 1.50, "id": "x", "context": "anna lives in alden . boris is in brom", "question": "where is boris ?"})";
  const auto objects = [&](const Words& more, const std::string& input = "") {
    Words flags{"--predict_form=jsonl"};
    flags.insert(flags.end(), more.begin(), more.end());
    return lines_of(tiny.run(tiny.using_it("--do_predict", flags), input).out);
  };
  const auto file = [&](const std::string& name, const std::string& content) {
    return "--predict_data_file_path=" + tiny.write(name, content);
  };
  const Words lines = objects({file("x.jsonl", first + " \n")});
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].starts_with(first.substr(0, first.size() - 1) +
                             R"(,"prediction_text":"brom","probability":0.)"));
  const Words listed = objects({file("list.json", "[" + first + "]")});
  REQUIRE(listed.size() == 1);
  CHECK(json_of(listed[0]) == json_of(lines[0]));

  const Words made = objects({"--predict_data_file_path=" + tiny.path("train.txt")});
  REQUIRE(made.size() == 8);
  CHECK(json_of(made[1]).at("id") == "b0");
  CHECK(json_of(made[1]).at("prediction_text") == "brom");
  CHECK(json_of(made[1]).at("context") == json_of(first).at("context"));
  CHECK(objects({file("rows.csv", csv_of_rows(rows_of(toy_questions())))}) == made);
  const Words typed = objects({}, "\nanna lives in alden . boris is in brom\nwhere is boris ?\n\nbad \xFF\n");
  REQUIRE(typed.size() == 2);
  CHECK(json_of(typed[0]).at("id") == "3");
  CHECK(json_of(typed[0]).at("prediction_text") == "brom");
  CHECK(json_of(typed[1]).at("line") == 5);

  const std::string again = tiny.write("again.jsonl", lines[0]);
  tiny.refuse(tiny.using_it("--do_predict", {"--predict_form=jsonl", "--predict_data_file_path=" + again}),
              again + ":1: the row has a \"prediction_text\" already");
}

TEST_CASE("run_squad says which form of answers a file can't have") {
  const TinySquad tiny;
  tiny.print(tiny.learning("train.txt", 1));
  const auto refused = [&](const std::string& name, const std::string& content, const std::string& message) {
    const std::string file = tiny.write(name, content);
    tiny.refuse(tiny.using_it("--do_predict", {"--predict_form=table", "--predict_data_file_path=" + file}),
                file + message);
  };
  refused("rows.jsonl", lines_of_rows(rows_of(toy_questions())),
          ": JSON: --predict_form table adds columns to a table, jsonl members to objects");
  refused("again.csv", "context,question,Probability\na,who,1\n",
          ": the header has a column probability already");
  refused("lines.txt", "a text\nwho\n",
          ":1: taken for CSV, as JSON begins with a brace or a bracket: no column");
  tiny.refuse(tiny.using_it("--do_predict", {"--predict_form=table"}),
              "--predict_form table: standard input has a text or a question a line");
  tiny.refuse(tiny.using_it("--do_predict"), "standard input:1: this looks like JSON, or CSV",
              "context,question\na,who\n");
  const std::string unanswered = tiny.write("new.csv", "id,context,question\nx,a,who\n");
  tiny.refuse(tiny.learning("new.csv", 1),
              unanswered + ": question 'x': 0 answers: expected one to train on");
}
