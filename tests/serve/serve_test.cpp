// The server as its users meet it: answers, refusals, many clients, and its end.
#include <doctest/doctest.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include "core/joined.h"
#include "core/run_parallel.h"
#include "tests/json.h"
#include "tests/serve/client.h"
#include "tests/tasks/tiny_classifier.h"
#include "tests/tasks/tiny_ner.h"
#include "tests/tasks/tiny_squad.h"

using namespace gradus;

namespace {

std::string text_request(const std::string& text) { return json_text({{"text", text}}); }

// A server of a tagger that knows its data by heart; one for all tests that ask nothing else.
struct Tagged {
  TinyNer tiny;
  std::string model;
  Tagged() {
    tiny.print(tiny.training({"--epoch_num=60", "--use_crf"}));
    model = tiny.path("save/best");
  }
};

const Tagged& tagged() {
  static const Tagged tagged;
  return tagged;
}

// The names of a text in a result, "PER Anna 0 4; ...".
std::string names_of(const Json& result) {
  std::string names;
  for (const Json& entity : result["entities"].items())
    names += fmt::format("{} {} {} {}; ", entity["type"].text(), entity["text"].text(),
                         entity["start"].integer(), entity["end"].integer());
  return names;
}

// Heaps of glibc beside the first one: mappings without a file, at multiples of the size that they may grow to.
int64_t more_heaps(pid_t process) {
  constexpr uint64_t most_bytes = 64 << 20;
  int64_t heaps = 0;
  std::ifstream maps(fmt::format("/proc/{}/maps", process));
  for (std::string line; std::getline(maps, line);) {
    if (!contains(line, " rw-p ") || line.find_first_of("/[") != std::string::npos) continue;
    size_t dash = 0;
    const uint64_t begin = std::stoull(line, &dash, 16),
                   end = std::stoull(line.substr(dash + 1), nullptr, 16);
    if (begin % most_bytes == 0 && end - begin <= most_bytes) ++heaps;
  }
  return heaps;
}

}  // namespace

TEST_CASE("serve: finds the names that run_ner finds, in one text and in many") {
  const Tagged& t = tagged();
  const std::vector<std::string> texts{"Anna lives in Port Mill .", "", "Clara met Boris Brom in Alden .",
                                       "\u00fcber Anna in Alden"};
  ServeProcess server({"--model=" + t.model, "--seq_length=24"});
  const std::vector<std::string> lines =
      lines_of(t.tiny.print(t.tiny.predicting(t.model, {"--json", "--predict_form=text", "--seq_length=24"}),
                            fmt::format("{}\n", joined(texts, "\n"))));
  const Reply one = post(server.port(), "/v1/tag", text_request(texts[0]));
  CHECK(one.status == 200);
  CHECK(names_of(one.json()) == "PER Anna 0 4; LOC Port Mill 14 23; ");
  CHECK(one.json()["truncated"] == false);
  CHECK(one.json()["tokens"].integer() >= 7);
  const Reply many = post(server.port(), "/v1/tag", json_text({{"texts", texts}}));
  REQUIRE(many.json()["results"].size() == 4);
  CHECK(many.json()["results"][0] == one.json());
  for (size_t i = 0; i < texts.size(); ++i) {
    std::string expected;  // places in characters, as here
    const Json line = json_of(lines[i]);
    for (const Json& entity : line["entities"].items())
      expected += fmt::format("{} {} {} {}; ", entity["type"].text(), entity["text"].text(),
                              entity["begin"].integer(), entity["end"].integer());
    CHECK(names_of(many.json()["results"][i]) == expected);
  }
  CHECK(contains(one.headers.at("server-timing"), "queue;dur="));
  CHECK(contains(one.headers.at("server-timing"), "compute;dur="));
  CHECK(json_of(get(server.port(), "/healthz").body) == Json{{"status", "ok"}});
  CHECK(json_of(get(server.port(), "/v1/models").body)["models"][0] ==
        Json{{"name", "tag"}, {"task", "tag"}, {"pairs", false}});
  CHECK(post(server.port(), "/v1/tag", R"({"texts": []})").json() == json_of(R"({"results": []})"));
}

TEST_CASE("serve: several models and tasks; a request names one") {
  const TinyClassifier tiny;
  const std::string model = tiny.train_well({}), pairs = tiny.write("pairs.txt", classified_pairs);
  tiny.print(tiny.training({"--train_data_file_path=" + pairs, "--eval_data_file_path=" + pairs,
                            "--save_finetune_checkpoint_path=" + tiny.path("pairs")}));
  const TinySquad squad;
  squad.print(squad.learning("train.txt", 60, {}));
  // A folder's name may have what parts lists and names.
  const std::string odd = tiny.path("folder, of=tags");
  std::filesystem::create_directory_symlink(tagged().model, odd);
  const std::string labels = tiny.train_labels();
  ServeProcess server({"--model=" + model, "--model", "two=" + tiny.path("pairs"), "--model=any=" + labels,
                       "--model=" + squad.path("save"), "--model=names=" + tagged().model, "--model", odd});
  const auto ask = [&](const std::string& path, const std::string& body) {
    return post(server.port(), path, body);
  };

  const Json expected = json_of(tiny.print(tiny.predicting(model, {"--json"}), "the film is good\n"));
  const Json classified = ask("/v1/classify", R"({"text": "the film is good"})").json();
  CHECK(classified["label"] == "pos");
  CHECK(classified["probabilities"] == expected["probabilities"]);
  const Json pair = ask("/v1/classify", R"({"pair": ["red ball", "good"], "model": "two"})").json();
  CHECK(pair["probabilities"] == json_of(tiny.print(tiny.predicting(tiny.path("pairs"), {"--json"}),
                                                    "red ball\tgood\n"))["probabilities"]);
  const Json labelled = ask("/v1/classify", R"({"text": "good book", "model": "any"})").json();
  REQUIRE(labelled["labels"].size() == 2);
  CHECK(labelled["labels"][0]["label"] == "bad");
  CHECK(labelled["labels"][1]["label"] == "film");
  CHECK(labelled["probabilities"] ==
        json_of(tiny.print(tiny.predicting(labels, {"--json"}), "good book\n"))["probabilities"]);
  const Json answers =
      ask("/v1/answer",
          R"({"context": "anna lives in alden . boris is in brom", "questions": ["where does anna live ?", "where is boris ?"]})")
          .json();
  CHECK(answers["results"].size() == 2);
  const Json answer =
      ask("/v1/answer",
          R"({"context": "anna lives in alden . boris is in brom", "question": "where does anna live ?"})")
          .json();
  CHECK(same_but_rounding(answers["results"][0], answer));
  CHECK(answer["answer"] ==
        json_of(squad.print(squad.using_it("--do_predict", {"--json"}),
                            "anna lives in alden . boris is in brom\nwhere does anna live ?\n"))["answer"]);
  CHECK(ask("/v1/tag", R"({"text": "Anna", "model": "names"})").status == 200);
  const Reply unknown = ask("/v1/classify", R"({"text": "good", "model": "three"})");
  CHECK(unknown.status == 404);
  CHECK(contains(unknown.body, "no model 'three', expected one of classify, two, any"));
  CHECK(ask("/v1/classify", R"({"text": "good", "model": "two"})").status == 400);
  CHECK(get(server.port(), "/v1/models").json()["models"].size() == 6);
}

TEST_CASE("serve: what is not as it should be is told, and the next request is answered") {
  ServeProcess server({"--model=" + tagged().model, "--seq_length=24", "--max_tokens=40", "--max_body=20K"});
  std::string thousand = "\"a\"";
  for (int i = 0; i < 1000; ++i) thousand += ",\"a\"";
  std::string words;
  for (int i = 0; i < 100; ++i) words += "Anna ";
  const struct {
    std::string path, body;
    int status;
    std::string text;
  } cases[] = {
      {"/v1/tag", "", 400, "request"},
      {"/v1/tag", "{\"text\": \"Anna", 400, "request"},
      {"/v1/tag", "[]", 400, "request"},
      {"/v1/tag", "{}", 400, "expected either 'text' or 'texts'"},
      {"/v1/tag", R"({"text": 7})", 400, "'text' is 7, expected a string"},
      {"/v1/tag", R"({"texts": ["a", null]})", 400, "'texts[1]'"},
      {"/v1/tag", R"({"text": "a", "texts": ["a"]})", 400, "either"},
      {"/v1/tag", R"({"text": "a", "txet": "a"})", 400, "'txet' is unknown, expected text, texts"},
      {"/v1/tag", R"({"text": "a", "text": "b"})", 400, "text"},
      {"/v1/tag", R"({"text": "a", "model": 1})", 400, "'model' is 1"},
      {"/v1/tag", R"({"text": "a", "truncate": "no"})", 400, "'truncate'"},
      {"/v1/tag", "{\"text\": \"\xff\"}", 400, "UTF-8"},
      {"/v1/tag", "{\"texts\": [" + thousand + "]}", 400, "1001 texts, expected 1000 at most"},
      {"/v1/tag", std::string(30000, ' '), 413, "20480"},
      {"/v1/tag", std::string(2000, '['), 400, "request"},
      {"/v1/classify", R"({"text": "a"})", 404, "no model is served that can classify"},
      {"/v1/tagg", R"({"text": "a"})", 404, "expected one of /v1/tag"},
      {"/healthz", "{}", 405, "expected GET"},
      {"/v1/tag", fmt::format(R"({{"text": "{}", "truncate": false}})", words), 422, "too long"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.body.substr(0, 60));
    const Reply reply = post(server.port(), c.path, c.body);
    CHECK(reply.status == c.status);
    CHECK(contains(reply.json()["error"].text(), c.text));
    CHECK(post(server.port(), "/v1/tag", R"({"text": "Anna"})").status == 200);
  }
  CHECK(get(server.port(), "/v1/tag").status == 405);
  CHECK(get(server.port(), "/v1/tag").headers.at("allow") == "POST");

  const Json cut = post(server.port(), "/v1/tag", text_request(words)).json();
  CHECK(cut["truncated"] == true);
  CHECK(cut["tokens"].integer() <= 40);
  CHECK(cut["entities"].size() > 10);
}

TEST_CASE("serve: requests that are no HTTP, cut off, or not whole, end their own connection") {
  ServeProcess server({"--model=" + tagged().model, "--request_timeout=1", "--max_body=4000"});
  const std::string good = post_request("/v1/tag", R"({"text": "Anna"})");
  const auto reply_to = [&](const std::string& bytes) {
    CAPTURE(bytes.substr(0, 80));
    RawClient client(server.port());
    client.send(bytes);
    const Reply reply = client.receive();
    CHECK(client.is_closed());
    return reply;
  };
  CHECK(reply_to("hello\r\n\r\n").status == 400);
  CHECK(reply_to("GET / HTTP/3.0\r\n\r\n").status == 400);
  CHECK(reply_to("POST /v1/tag HTTP/1.1\r\nHost: a\r\n\r\n" + good).status == 411);
  CHECK(reply_to("POST /v1/tag HTTP/1.1\r\nContent-Length: 1x\r\n\r\n" + good).status == 400);
  CHECK(reply_to("POST /v1/tag HTTP/1.1\r\nContent-Length: -1\r\n\r\n" + good).status == 400);
  CHECK(reply_to("POST /v1/tag HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 7\r\n\r\n" + good).status ==
        400);
  CHECK(reply_to("POST /v1/tag HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" + good)
            .status == 400);
  CHECK(reply_to("POST /v1/tag HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n" + good).status == 501);
  CHECK(reply_to("POST /v1/tag HTTP/1.1\r\nContent-Length: 5\r\nContent-Encoding: gzip\r\n\r\n" + good)
            .status == 415);
  CHECK(reply_to("POST /v1/tag HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n").status == 400);
  CHECK(reply_to("POST /v1/tag HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n" + std::string(1000000, 'x'))
            .status == 413);
  CHECK(reply_to("GET /" + std::string(9000, 'x') + " HTTP/1.1\r\n\r\n").status == 414);
  CHECK(reply_to("GET / HTTP/1.1\r\n" + std::string(20000, 'x')).status == 400);
  CHECK(reply_to("GET /healthz HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello").status == 200);
  CHECK(reply_to("GET /healthz HTTP/1.0\r\n\r\n").status == 200);
  CHECK(reply_to("GET /healthz HTTP/1.1\r\nConnection: Close\r\n\r\n").status == 200);
  // Of chunks that never end only so many bytes are taken.
  std::string chunks = "POST /v1/tag HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 100; ++i) chunks += "64\r\n" + std::string(100, 'x') + "\r\n";
  CHECK(reply_to(chunks).status == 413);

  // Those of one connection are answered one after the other.
  RawClient several(server.port());
  several.send(good + good);
  several.send(
      "POST /v1/tag HTTP/1.1\r\nTransfer-Encoding: "
      "chunked\r\n\r\n8\r\n{\"text\":\r\n6\r\n\"Anna\"\r\n1\r\n}\r\n0\r\n\r\n");
  for (int i = 0; i < 3; ++i) CHECK(names_of(several.receive().json()) == "PER Anna 0 4; ");
  // One that waits to be asked for its body is asked, and told when it is too large before it sends it.
  several.send("POST /v1/tag HTTP/1.1\r\nContent-Length: 16\r\nExpect: 100-continue\r\n\r\n");
  CHECK(several.receive().status == 100);
  several.send(R"({"text": "Anna"})");
  CHECK(several.receive().status == 200);
  several.send("POST /v1/tag HTTP/1.1\r\nContent-Length: 16000\r\nExpect: 100-continue\r\n\r\n");
  CHECK(several.receive().status == 413);

  {  // Cut off: nobody is there to be told.
    RawClient cut(server.port());
    cut.send(good.substr(0, good.size() - 3));
    cut.end();
    CHECK(cut.receive().status == 400);
  }
  // Slow ones get a second, whole, not for each byte.
  const auto begin = std::chrono::steady_clock::now();
  RawClient slow_head(server.port()), slow_body(server.port());
  slow_body.send(good.substr(0, good.size() - 10));
  for (const char byte : std::string("POST /v1/t")) {
    slow_head.send({&byte, 1});
    std::this_thread::sleep_for(std::chrono::milliseconds(150));
  }
  CHECK(slow_body.receive().status == 408);
  CHECK(slow_head.receive().status == 408);
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(10));
  CHECK(post(server.port(), "/v1/tag", R"({"text": "Anna"})").status == 200);
  CHECK(server.process().is_running());
}

TEST_CASE(
    "serve: a failure of its own is told in the log, without the text, and the next request is answered") {
  const TinyNer tiny;
  const std::string model = tiny.path("save/best");
  tiny.print(tiny.training({"--max_steps=1"}));
  overload(model, "classifier.weight");
  ServeProcess server({"--model=odd=" + model});
  RawClient client(server.port());
  const std::string body = R"({"texts": ["Clara", "Boris left"]})";
  for (int i = 0; i < 2; ++i) {
    client.send(post_request("/v1/tag", body));
    const Reply reply = client.receive();
    CHECK(reply.status == 500);
    CHECK(reply.headers.count("exception_what") == 0);
    CHECK(contains(reply.json()["error"].text(), "the model gives an infinite number"));
  }
  CHECK(get(server.port(), "/healthz").status == 200);
  CHECK(server.metric("gradus_requests_total{path=\"/v1/tag\",code=\"500\"}") == 2);
  server.process().send(SIGTERM);
  const Outcome outcome = server.process().wait();
  CHECK(outcome.status == 0);
  const std::vector<std::string> lines = lines_of(outcome.err);
  REQUIRE(lines.size() == 2);
  for (const std::string& line : lines) {
    CAPTURE(line);
    CHECK(line.starts_with(
        fmt::format("error: POST /v1/tag, {} bytes: model 'odd', 2 texts of 9 tokens: text", body.size())));
  }
  CHECK_FALSE(contains(outcome.err, "Clara"));
  CHECK_FALSE(contains(outcome.err, "Boris"));
}

TEST_CASE("serve: many clients at once get each its own answer, slow ones beside them") {
  ServeProcess server({"--model=" + tagged().model, "--max_connections=40", "--request_timeout=20"});
  const std::vector<std::string> texts{"Anna lives in Port Mill .", "Clara met Boris Brom in Alden .",
                                       "It rained .", "Anna", "in Alden"};
  std::vector<std::string> expected;
  for (const std::string& text : texts)
    expected.push_back(post(server.port(), "/v1/tag", text_request(text)).body);
  std::vector<std::unique_ptr<RawClient>> slow;
  for (int i = 0; i < 20; ++i)
    slow.emplace_back(std::make_unique<RawClient>(server.port()))->send("POST /v1/tag HT");
  std::atomic<int> wrong = 0;
  std::vector<std::thread> clients;
  for (size_t t = 0; t < 16; ++t)
    clients.emplace_back([&, t] {
      RawClient client(server.port());
      for (size_t i = 0; i < 50; ++i) {
        const size_t text = (t + i) % texts.size();
        client.send(post_request("/v1/tag", text_request(texts[text])));
        if (client.receive().body != expected[text]) ++wrong;
      }
    });
  for (std::thread& client : clients) client.join();
  CHECK(wrong == 0);
  if (!is_sanitized) CHECK(more_heaps(server.process().id()) < thread_count(0));
  CHECK(server.metric("gradus_texts_total{model=\"tag\"}") == 16 * 50 + 5);
  CHECK(server.metric("gradus_batches_total{model=\"tag\"}") < 16 * 50);
  CHECK(server.metric("gradus_queue_texts") == 0);
  CHECK(server.metric("gradus_requests_total{path=\"/v1/tag\",code=\"200\"}") == 16 * 50 + 5);
}

TEST_CASE("serve: where all connections are taken the idle one makes room, and others are refused") {
  ServeProcess server({"--model=" + tagged().model, "--max_connections=2"});
  const std::string good = post_request("/v1/tag", R"({"text": "Anna"})");
  RawClient idle(server.port()), busy(server.port());
  idle.send(good);
  CHECK(idle.receive().status == 200);
  busy.send("POST /v1/tag");
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  RawClient third(server.port());
  third.send(good);
  CHECK(third.receive().status == 200);
  CHECK(idle.is_closed());
  third.send("POST /v1/tag");
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  RawClient fourth(server.port());
  const Reply refused = fourth.receive();
  CHECK(refused.status == 503);
  CHECK(refused.headers.at("retry-after") == "1");
  busy.send(good.substr(std::string("POST /v1/tag").size()));
  CHECK(busy.receive().status == 200);
}

TEST_CASE("serve: keys") {
  const TemporaryFolder folder;
  const std::string keys = (folder / "keys").string();
  write_file(keys, "first-key\r\n\nsecond\n");
  ServeProcess server({"--model=" + tagged().model, "--api_key_file=" + keys});
  const auto ask = [&](const std::string& value) {
    return post(server.port(), "/v1/tag", R"({"text": "Anna"})", {{"Authorization", value}}).status;
  };
  CHECK(ask("Bearer first-key") == 200);
  CHECK(ask("Bearer second") == 200);
  for (const char* wrong :
       {"", "Bearer", "Bearer ", "Bearer first-kez", "Bearer first-key2", "second", "Basic second"})
    CHECK(ask(wrong) == 401);
  CHECK(get(server.port(), "/metrics").status == 401);
  CHECK(get(server.port(), "/healthz").status == 200);
  const auto refused = [&](const std::string& content) {
    write_file(keys, content);
    const Outcome outcome = run_program("serve", {"--model=" + tagged().model, "--api_key_file=" + keys});
    CHECK(outcome.status == 2);
    return outcome.err;
  };
  CHECK(contains(refused("\n"), "keys: no key, expected one a line"));
  CHECK(contains(refused("a\nb c\n"), "keys:2: a key with a blank"));
}

TEST_CASE("serve: on all networks without a key is warned of, and answers alike") {
  ServeProcess server({"--model=" + tagged().model, "--host=0.0.0.0"});
  CHECK(post(server.port(), "/v1/tag", R"({"text": "Anna"})").status == 200);
  server.process().send(SIGINT);
  const Outcome outcome = server.process().wait();
  CHECK(outcome.status == 0);
  CHECK(contains(outcome.out, "SIGINT"));
  CHECK(contains(outcome.err, "warning: --host 0.0.0.0 without --api_key_file"));
}

TEST_CASE("serve: SIGTERM ends it, with answers to all that was accepted") {
  ServeProcess server({"--model=" + tagged().model, "--batch_tokens=16"});
  std::string texts = R"("Anna lives in Port Mill .")";
  for (int i = 1; i < 1000; ++i) texts += R"(, "Anna lives in Port Mill .")";
  RawClient half(server.port()), idle(server.port());
  const std::string good = post_request("/v1/tag", R"({"text": "Anna"})");
  idle.send(good);
  CHECK(idle.receive().status == 200);
  half.send(good.substr(0, 30));
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 4; ++i)
    clients.emplace_back(std::make_unique<RawClient>(server.port()))
        ->send(post_request("/v1/tag", "{\"texts\": [" + texts + "]}"));
  while (server.metric("gradus_queue_texts") < 4000)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  server.process().send(SIGTERM);
  CHECK(idle.is_closed());
  half.send(good.substr(30));
  const Reply last = half.receive();
  CHECK(last.status == 200);
  CHECK(last.headers.at("connection") == "close");
  for (const auto& client : clients) {
    const Reply reply = client->receive();
    REQUIRE(reply.status == 200);
    CHECK(reply.json()["results"].size() == 1000);
  }
  const Outcome outcome = server.process().wait();
  CHECK(outcome.status == 0);
  CHECK(contains(outcome.out, "SIGTERM"));
  CHECK(outcome.err.empty());
  RawClient late(server.port());
  late.send(good);
  CHECK(late.receive().status == 0);
}

TEST_CASE("serve: killed, it is back at once on the same port") {
  int port = 0;
  for (int i = 0; i < 3; ++i) {
    ServeProcess server({"--model=" + tagged().model}, port);
    port = server.port();
    RawClient client(port);
    client.send(post_request("/v1/tag", R"({"text": "Anna"})"));
    CHECK(client.receive().status == 200);
    CHECK(server.seconds_to_ready() < (is_sanitized ? 20 : 5));
    server.process().kill();
  }
}

TEST_CASE("serve: what it can't begin with is an error") {
  const auto refused = [](const Words& flags) {
    const Outcome outcome = run_program("serve", flags);
    CHECK(outcome.status == 2);
    CHECK(outcome.out.empty());
    return outcome.err;
  };
  const std::string model = "--model=" + tagged().model;
  CHECK(contains(refused({}), "give --model FOLDER"));
  CHECK(contains(refused({"--model=/nowhere"}), "/nowhere"));
  CHECK(contains(refused({model, model}), "give names, NAME=FOLDER"));
  CHECK(contains(refused({model, "--model=x="}), "without a folder"));
  CHECK(contains(refused({model, "--port=70000"}), "--port"));
  CHECK(contains(refused({model, "--max_body=many"}), "--max_body"));
  CHECK(contains(refused({model, "--host=no.such.host.invalid"}), "cannot listen on 'no.such.host.invalid'"));
  CHECK(contains(refused({model, "--api_key_file=/nowhere"}), "/nowhere"));
  ServeProcess server({model});
  CHECK(contains(refused({model, "--port=" + std::to_string(server.port())}), "Address already in use"));
}
