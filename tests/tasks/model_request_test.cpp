// Requests and options as JSON: what each task takes, and what is said of all else.
#include "tasks/model_request.h"

#include <doctest/doctest.h>

#include "tests/files.h"
#include "tests/json.h"

using namespace gradus;

namespace {

std::string refused(RequestKind kind, std::string_view text) {
  return error_of([&] { parse_request(json_of(text), kind); });
}

std::string refused_options(std::string_view text) {
  return error_of([&] { parse_pipeline_options(json_of(text)); });
}

}  // namespace

TEST_CASE("requests: one or many texts, pairs and questions") {
  const ModelRequest one = parse_request(json_of(R"({"text": "a"})"), RequestKind::texts);
  CHECK(one.one);
  CHECK(one.texts == std::vector<std::string>{"a"});
  const ModelRequest many = parse_request(json_of(R"({"texts": ["a", "", "\u0000b"]})"), RequestKind::texts);
  CHECK_FALSE(many.one);
  CHECK(many.texts == std::vector<std::string>{"a", "", std::string("\0b", 2)});
  CHECK(parse_request(json_of(R"({"texts": []})"), RequestKind::texts).texts.empty());
  using Pairs = std::vector<std::pair<std::string, std::string>>;
  CHECK((parse_request(json_of(R"({"pair": ["a", "b"]})"), RequestKind::pairs).pairs == Pairs{{"a", "b"}}));
  CHECK((parse_request(json_of(R"({"pairs": [["a", "b"], ["c", "d"]]})"), RequestKind::pairs).pairs ==
         Pairs{{"a", "b"}, {"c", "d"}}));
  const ModelRequest asked =
      parse_request(json_of(R"({"context": "c", "questions": ["a", "b"]})"), RequestKind::questions);
  CHECK(asked.context == "c");
  CHECK(asked.texts == std::vector<std::string>{"a", "b"});
  CHECK(parse_request(json_of(R"({"question": "a", "context": "c"})"), RequestKind::questions).one);
}

TEST_CASE("requests: what is wrong is named") {
  CHECK(refused(RequestKind::texts, "[]") == "request: the JSON is [], expected an object");
  CHECK(refused(RequestKind::texts, "{}") == "request: expected either 'text' or 'texts'");
  CHECK(refused(RequestKind::texts, R"({"text": "a", "texts": []})") ==
        "request: expected either 'text' or 'texts'");
  CHECK(refused(RequestKind::texts, R"({"txt": "a"})") == "request: 'txt' is unknown, expected text, texts");
  CHECK(
      contains(refused(RequestKind::texts, R"({"texts": ["a", 7]})"), "'texts[1]' is 7, expected a string"));
  CHECK(contains(refused(RequestKind::texts, R"({"texts": "a"})"), "expected a list"));
  CHECK(contains(refused(RequestKind::pairs, R"({"pairs": [["a", "b"], ["a"]]})"), "'pairs[1]'"));
  CHECK(contains(refused(RequestKind::pairs, R"({"pair": "ab"})"), "expected a list of two texts"));
  CHECK(contains(refused(RequestKind::pairs, R"({"pair": ["a", null]})"), "'pair[1]'"));
  CHECK(refused(RequestKind::questions, R"({"question": "a"})") == "request: 'context' is missing");
  CHECK(refused(RequestKind::questions, R"({"context": "a"})") ==
        "request: expected either 'question' or 'questions'");
}

TEST_CASE("options: those of a pipeline by their names, and no others") {
  const PipelineOptions options = parse_pipeline_options(json_of(
      R"({"device": "CUDA", "device_id": 1, "threads": 2, "compute_type": "bf16", "batch_size": 8, "seq_length": 64})"));
  CHECK(options.device == "CUDA");
  CHECK(options.device_id == 1);
  CHECK(options.threads == 2);
  CHECK(options.compute_type == "bf16");
  CHECK(options.batch_size == 8);
  CHECK(options.seq_length == 64);
  CHECK(parse_pipeline_options(Json::object()).batch_size == PipelineOptions().batch_size);
  CHECK(contains(refused_options(R"({"thread": 1})"), "options: 'thread' is unknown, expected device,"));
  CHECK(refused_options(R"({"threads": -1})") ==
        "options: 'threads' is -1, expected a whole number from 0 to 2147483647");
  CHECK(contains(refused_options(R"({"batch_size": 0})"), "'batch_size' is 0"));
  CHECK(contains(refused_options(R"({"seq_length": 1.5})"), "'seq_length' is 1.5"));
  CHECK(contains(refused_options(R"({"device": 1})"), "'device' is 1, expected a string"));
}
