// The page in a browser, and what the server says of itself.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "tests/json.h"
#include "tests/places.h"
#include "tests/serve/client.h"
#include "tests/tasks/tiny_classifier.h"
#include "tests/tasks/tiny_ner.h"
#include "tests/tasks/tiny_squad.h"

using namespace gradus;

namespace {

// What this server is of the models that tests know by heart.
struct Models {
  TinyNer ner;
  TinyClassifier classifier;
  TinySquad squad;
  std::string classes;
  Models() {
    ner.print(ner.training({"--epoch_num=60", "--use_crf"}));
    classes = classifier.train_well({});
    squad.print(squad.learning("train.txt", 60, {}));
  }
  Words flags() const {
    return {"--model=" + ner.path("save/best"), "--model=" + classes, "--model=" + squad.path("save")};
  }
};

}  // namespace

TEST_CASE("serve: what it says of itself is what it does") {
  const TinyNer tiny;
  tiny.print(tiny.training({"--max_steps=1"}));
  ServeProcess server({"--model=" + tiny.path("save/best")});
  const Json description = get(server.port(), "/openapi.json").json();
  std::string paths = "expected one of ";
  for (const auto& [path, methods] : description["paths"].members()) {
    for (const auto& [method, operation] : methods.members()) {
      CAPTURE(path);
      const Reply reply = method == "get" ? get(server.port(), path) : post(server.port(), path, "{}");
      CHECK(reply.status == (method == "get" ? 200 : path == "/v1/tag" ? 400 : 404));
      CHECK(operation.contains("responses"));
    }
  }
  // It has all that there is: an error lists that.
  const std::string listed = get(server.port(), "/no").json()["error"].text();
  for (const auto& [path, methods] : description["paths"].members())
    CHECK(contains(listed + ",", " " + path + ","));
  CHECK(std::ranges::count(listed, ',') == std::ssize(description["paths"].members()));

  const Reply page = get(server.port(), "/");
  CHECK(page.body == file_content(source_file("tasks/serve/page.html")));
  CHECK(contains(page.headers.at("content-type"), "text/html"));
  CHECK(contains(page.headers.at("content-security-policy"), "default-src 'none'"));

  // Each metric has its kind and its help, once, before its values.
  std::set<std::string> described;
  for (const std::string& line : lines_of(get(server.port(), "/metrics").body)) {
    CAPTURE(line);
    if (line.starts_with("# TYPE ")) {
      CHECK(described.insert(line.substr(7, line.rfind(' ') - 7)).second);
      continue;
    }
    if (line.starts_with("#")) continue;
    std::string name = line.substr(0, line.find_first_of(" {"));
    for (const char* part : {"_bucket", "_sum", "_count"})
      if (const std::string whole = name.substr(0, name.rfind(part));
          name.ends_with(part) && described.contains(whole))
        name = whole;
    CHECK(described.contains(name));
    CHECK_NOTHROW(static_cast<void>(std::stod(line.substr(line.rfind(' ') + 1))));
  }
  CHECK(described.contains("gradus_batch_tokens"));
}

TEST_CASE("serve: the page, driven in a browser") {
  std::string browser;
  for (const char* name : {"chromium", "chromium-browser", "google-chrome"})
    if (browser.empty()) browser = in_path(name);
  const std::string python = in_path("python3");
  if (browser.empty() || python.empty()) {
    MESSAGE("skipped: no Chromium, or no Python to drive it");
    return;
  }
  const Models models;
  ServeProcess server(models.flags());
  const char* pictures = std::getenv("GRADUS_PICTURES");
  Process driver({python, source_file("tests/serve/page.py").string(), browser, std::to_string(server.port()),
                  pictures != nullptr ? pictures : ""},
                 "");
  const Outcome outcome = driver.wait();
  CHECK_MESSAGE(outcome.status == 0, outcome.out << outcome.err);
}
