#include "tasks/report/report.h"

#include <doctest/doctest.h>
#include <fmt/core.h>

#include <limits>

#include "core/error.h"
#include "tasks/text/html.h"
#include "tests/tasks/page.h"

using namespace gradus;

namespace {

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

Report empty_report() {
  Report report;
  report.title = "a run";
  return report;
}

ReportCurve rising(const std::string& name, int count) {
  ReportCurve curve{name, {}};
  for (int step = 1; step <= count; ++step)
    curve.points.push_back({static_cast<double>(step), static_cast<double>(step)});
  return curve;
}

// A report with everything there can be, every text of it the given one.
Report filled_with(const std::string& text) {
  Report report;
  report.title = report.subtitle = text;
  report.notes = {text};
  report.scores = {{text, 1, 2, text, text}};
  report.about = report.facts = {{text, text}};
  report.training_loss = rising(text, 50);
  report.training_loss.points[3].y = not_a_number;
  report.evaluation_loss = rising(text, 4);
  report.evaluation = {rising(text, 2), rising(text, 1)};
  report.best_step = 2;
  report.learning_rate = rising(text, 3);
  report.gradient_norm = rising(text, 50);
  report.gradient_norm.points[3].y = not_a_number;
  report.loss_scale = rising(text, 3);
  report.tables = {{text, text, {text, text}, {{text, "1"}}}};
  report.charts = {{text, text, {text, text, {{text, rising(text, 3).points}}}}};
  report.final_loss = {text, {{30, 2}, {50, 2}}};
  report.confusion.emplace(8);
  report.confusion->add(std::vector<int32_t>{1, 0}, std::vector<int32_t>{0, 0});
  report.classes.assign(8, text);
  report.errors = {{text, text, text, 0.5, 2, {{text}, {text, text, text}, {text, text}, {text, "", text}}}};
  report.settings = {{text, text, text}, {text, text, "default"}};
  return report;
}

ConfusionMatrix diagonal(int32_t classes) {
  ConfusionMatrix matrix(classes);
  for (int32_t id = 0; id < classes; ++id) matrix.add(std::vector<int32_t>{id}, std::vector<int32_t>{id});
  return matrix;
}

}  // namespace

TEST_CASE("text in HTML reads as it was, whatever it holds") {
  CHECK(escape_html("<a href=\"x\">&amp;'") == "&lt;a href=&quot;x&quot;&gt;&amp;amp;&#39;");
  CHECK(escape_html("中文 é 👩‍💻\t\n") == "中文 é 👩‍💻\t\n");
  CHECK(escape_html("a\r\nb") == "a \nb");
  CHECK(escape_html("a\xFF\xC3") == "a\uFFFD\uFFFD");
  CHECK(escape_html(std::string("\0\x01\x7F", 3)) == "\uFFFD\uFFFD\uFFFD");
  CHECK(escape_html("\xEF\xBF\xBF\xC2\x85") == "\uFFFD\uFFFD");  // U+FFFF, U+0085
}

TEST_CASE("a page tells the whole run") {
  Report report = empty_report();
  report.subtitle = "run_ner · 2.1 min";
  report.notes = {"one class only"};
  report.scores = {{"span F1", 91.2345, 2, "%", "of entities"},
                   {"loss", not_a_number},
                   {"MCC", -0.5, 1},
                   {"none", -1e-9},
                   {"much", 1e300}};
  report.facts = {{"steps", "400"}, {"device", "CPU"}};
  const Page page(report);
  CHECK(page.text("//h1") == "a run");
  CHECK(page.text("//title") == "a run");
  CHECK(page.text("//p[@class='subtitle']") == "run_ner · 2.1 min");
  CHECK(page.texts("//ul[@class='notes']/li") == Texts{"one class only"});
  CHECK(page.texts("//ul[@class='tiles']//span[@class='name']") ==
        Texts{"span F1", "loss", "MCC", "none", "much"});
  CHECK(page.texts("//ul[@class='tiles']//span[@class='value']") ==
        Texts{"91.23%", "–", "-0.5", "0.00", "1e+300"});
  CHECK(page.texts("//ul[@class='tiles']//span[@class='meaning']") == Texts{"of entities"});
  CHECK(page.texts("//dt") == Texts{"steps", "device"});
  CHECK(page.texts("//dd") == Texts{"400", "CPU"});
  CHECK(page.texts("//h2") == Texts{"The run"});
}

TEST_CASE("a part that is empty has no section") {
  const Page page(empty_report());
  CHECK(page.count("//section") == 0);
  CHECK(page.count("//ul") == 0);
  CHECK(page.count("//svg") == 0);
  Report report = empty_report();
  report.evaluation = {{"F1", {}}};
  report.tables = {{"nothing", "", {"a"}, {}}};
  report.learning_rate = {"learning rate", {{1, 1e-5}}};
  const Page other(report);
  CHECK(other.texts("//h2") == Texts{"Learning rate"});
  CHECK(other.count("//path[@class='dot']") == 1);
}

TEST_CASE("every section explains itself") {
  const Page page(filled_with("x"));
  CHECK(page.texts("//h2") == Texts{"The run", "Training loss", "Evaluation during the run", "Learning rate",
                                    "Gradient norm", "Loss scale", "x", "x",
                                    "Which classes are taken for which", "Worst errors", "Settings"});
  CHECK(page.count("//section/p[@class='explanation']") == 11);
}

TEST_CASE("a long loss curve is drawn by means, and what can't be drawn is counted") {
  Report report = empty_report();
  report.training_loss = rising("training loss", 10000);
  report.training_loss.points[17].y = not_a_number;
  report.training_loss.points[18].y = std::numeric_limits<double>::infinity();
  const Page page(report);
  CHECK(page.count("//g[contains(@class, 'series')]") == 2);
  CHECK(page.texts("//ul[@class='legend']/li") ==
        Texts{"mean of about 24 steps", "moving mean of about 504 steps"});
  CHECK(page.text("//p[@class='small']") ==
        "Not drawn, because not finite: 2 of 10000 points of training loss.");
  CHECK(page.html().size() < 40000);
  CHECK(page.html().find("nan") == std::string::npos);
}

TEST_CASE("evaluation scores have their best values in the legend, and the best step is marked") {
  Report report = empty_report();
  report.evaluation = {{"F1", {{100, 80}, {200, 91.25}, {300, 90}}}, {"accuracy", {{100, 97}}}};
  report.best_step = 200;
  const Page page(report);
  CHECK(page.texts("//ul[@class='legend']/li") ==
        Texts{"F1: highest 91.25 at step 200, last 90", "accuracy: highest 97 at step 100, last 97"});
  CHECK(page.text("//span[starts-with(@class, 'mark-label')]") == "best: step 200");
  CHECK(page.count("//path[@class='dot']") == 4);
}

TEST_CASE("columns of numbers alone stand flush right") {
  Report report = empty_report();
  report.tables = {{"by type",
                    "",
                    {"type", "F1", "count", "note"},
                    {{"LOC", "93.1%", "1,668", "5"}, {"PER", "–", "-7", "five"}}}};
  const Page page(report);
  CHECK(page.texts("//th[@class='number']") == Texts{"F1", "count"});
  CHECK(page.texts("//tbody/tr[1]/td") == Texts{"LOC", "93.1%", "1,668", "5"});
  CHECK(page.count("//tbody/tr[2]/td[@class='number']") == 2);
  report.tables[0].rows[1].pop_back();
  CHECK_THROWS_WITH_AS(to_html(report),
                       "[report] table 'by type' has a row of 3 cells, expected 4 as it has columns", Error);
}

TEST_CASE("a confusion matrix has a cell for each pair, with its share of the row") {
  Report report = empty_report();
  report.confusion.emplace(2);
  report.confusion->add(std::vector<int32_t>{0, 1, 1, 1}, std::vector<int32_t>{0, 0, 0, 0});
  report.classes = {"财经", "股票"};
  const Page page(report);
  CHECK(page.texts("//table[@class='confusion']//td") == Texts{"1", "3", "0", "0"});
  CHECK(page.attribute("//td[@class='wrong']", "title") == "gold 财经, predicted 股票: 3 of 4 (75.0%)");
  CHECK(page.attribute("//td[@class='right']", "style") == "--p:0.25");
  CHECK(page.texts("//th[@scope='row']") == Texts{"财经", "股票"});
  report.classes.pop_back();
  CHECK_THROWS_WITH_AS(to_html(report),
                       "[report] 1 labels of classes, expected 2 as the confusion matrix has", Error);
}

TEST_CASE("more classes take less room, and too many are a list") {
  Report report = empty_report();
  const auto page_of = [&](int32_t classes, const std::string& label) {
    report.confusion = diagonal(classes);
    report.confusion->add(std::vector<int32_t>{1, 1}, std::vector<int32_t>{0, 0});
    report.classes.assign(static_cast<size_t>(classes), label);
    return Page(report);
  };
  CHECK(page_of(5, "a wide label").count("//table[@class='confusion']") == 1);
  CHECK(page_of(5, "a wide label").count("//h3") == 0);
  CHECK(page_of(15, "财经").count("//table[@class='confusion close']") == 1);
  CHECK(page_of(15, "a wide label").count("//table[@class='confusion close turned']") == 1);
  const Page dense = page_of(45, "财经");
  CHECK(dense.count("//table[@class='confusion close dense turned']//tbody/tr[1]/td") == 45);
  CHECK(dense.texts("//table[not(contains(@class, 'confusion'))]/tbody/tr/td") ==
        Texts{"财经", "财经", "2", "66.7%"});
  const Page list = page_of(300, "财经");
  CHECK(list.count("//td") == 4);
  report.confusion = diagonal(300);
  CHECK(Page(report).text("//section/p[last()]") == "None was taken for another.");
}

TEST_CASE("errors show what is marked in their text, and how") {
  Report report = empty_report();
  report.errors = {{"dev.txt:12",
                    "",
                    "",
                    {},
                    7.125,
                    {{"In "},
                     {"Paris", "LOC", "LOC"},
                     {" and "},
                     {"Rome", "LOC"},
                     {", "},
                     {"May", "", "PER"},
                     {" of "},
                     {"ACME", "ORG", "LOC"},
                     {"."}}},
                   {"", "good", "bad", 0.999, {}, {{"a text"}}}};
  const Page page(report);
  CHECK(page.text("//p[@class='text']") == "In ParisLOC and RomeLOC, MayPER of ACMEORG → LOC.");
  for (const auto& [mark, label] : {std::pair("found", "LOC"), std::pair("missed", "LOC"),
                                    std::pair("invented", "PER"), std::pair("mistaken", "ORG → LOC")}) {
    const std::string query = fmt::format("//p[@class='text']/mark[@class='{}']/small", mark);
    CHECK(page.texts(query.c_str()) == Texts{label});
  }
  CHECK(page.texts("//ul[@class='errors']/li[1]//strong") == Texts{"7.12"});
  CHECK(page.texts("//ul[@class='errors']/li[2]//strong") == Texts{"good", "bad", "99.9%"});
  CHECK(page.count("//ul[@class='key']") == 1);
  report.errors.erase(report.errors.begin());
  CHECK(Page(report).count("//ul[@class='key']") == 0);
}

TEST_CASE("settings that were set come before those at their defaults") {
  Report report = empty_report();
  report.settings = {
      {"seed", "1", "default"}, {"epoch_num", "5", "command line"}, {"lr", "1e-5", "a.yaml:3"}};
  const Page page(report);
  CHECK(page.texts("//details//tbody/tr/td[1]") == Texts{"epoch_num", "lr", "seed"});
  CHECK(page.texts("//details//tbody/tr/td[3]") == Texts{"command line", "a.yaml:3", "default"});
  CHECK(page.text("//details//tr[@class='default']/td[2]") == "1");
  CHECK(page.text("//details/summary") == "3 settings");
}

TEST_CASE("no text gets out of its place on the page") {
  const Texts texts{"</title></style><script>alert(1)</script>",
                    "\" onmouseover=\"x",
                    "' x='",
                    "]]>",
                    "<!--",
                    "&#0;",
                    "\xFF\xFE\x80",
                    std::string("\0a", 2),
                    "\x1B[31m",
                    "\xED\xA0\x80",
                    "\xEF\xBF\xBF",
                    "a\u202Eb",
                    ""};
  const Page plain(filled_with("x"));
  for (const std::string& text : texts) {
    CAPTURE(text);
    const Page page(filled_with(text));
    CHECK(page.count("//script") == 0);
    CHECK(page.count("//@onmouseover") == 0);
    CHECK(page.count("//@x") == 0);
    if (text.empty()) continue;
    // The same elements, no more and no fewer.
    CHECK(page.count("//*") == plain.count("//*"));
    CHECK(page.count("//@*") == plain.count("//@*"));
  }
  const std::string markup = "<b>\"&amp;'";
  const Page page(filled_with(markup));
  CHECK(page.text("//h1") == markup);
  CHECK(page.attribute("//th[@scope='row']", "title") == markup);
  CHECK(page.text("//p[@class='text']/text()") == markup);
  CHECK(page.text("//details//tr[@class='default']/td[1]") == markup);
}

TEST_CASE("a page refers to nothing outside itself") { CHECK(!Page(filled_with("x")).refers_to_others()); }

TEST_CASE("the loss of the evaluation data is drawn with that of the training") {
  Report report = empty_report();
  report.training_loss = rising("training loss", 5);
  report.evaluation_loss = {"evaluation loss", {{2, 1}, {4, 0.5}}};
  CHECK(Page(report).texts("//ul[@class='legend']/li") == Texts{"training loss", "evaluation loss"});
  CHECK(Page(report).texts("//h2") == Texts{"Training loss"});
  report.training_loss = rising("training loss", 100);
  report.steps_per_loss = 8;
  CHECK(Page(report).texts("//ul[@class='legend']/li") ==
        Texts{"mean of about 8 steps", "moving mean of about 40 steps", "evaluation loss"});
}

TEST_CASE("a report is written whole or not at all") {
  const TemporaryFolder folder;
  const Report report = filled_with("x");
  write_report((folder / "report.html").string(), report);
  CHECK(file_content(folder / "report.html") == to_html(report));
  CHECK_THROWS_AS(write_report((folder / "missing" / "report.html").string(), report), Error);
}

TEST_CASE("the smooth curve of losses ends in the loss at the end, which is a line of its own") {
  Report report = empty_report();
  report.training_loss = rising("training loss", 50);
  report.final_loss = {"loss at the end: 12.0000, mean of the last 20 steps", {{31, 12}, {50, 12}}};
  const Page page(report);
  const Texts legend = page.texts("//ul[@class='legend']/li");
  REQUIRE(legend.size() == 3);
  CHECK(legend.back() == "loss at the end: 12.0000, mean of the last 20 steps");
  // The last place of a line: the y of the one has to be that of the other.
  const auto last_of = [&](const char* series) {
    const std::string path = page.attribute(series, "d");
    return path.substr(path.rfind(' ') + 1);
  };
  CHECK(last_of("//g[@class='series s0']/path[@class='line']") ==
        last_of("//g[@class='series s1']/path[@class='line']"));
}

TEST_CASE("what tells a run from others stands under the title, and each chart has its section") {
  Report report = empty_report();
  report.about = {{"date", "2026-05-31 09:30 UTC"}, {"model", "a & b"}};
  Chart chart{"f1", "step", {}};
  for (int i = 0; i < 7; ++i) chart.series.push_back({fmt::format("run {}", i), rising("", 3).points});
  report.charts = {{"f1", "", chart}};
  const Page page(report);
  CHECK(page.texts("//header/dl/dt") == Texts{"date", "model"});
  CHECK(page.texts("//header/dl/dd") == Texts{"2026-05-31 09:30 UTC", "a & b"});
  CHECK(page.texts("//h2") == Texts{"f1"});
  // The seventh line has the first one's colour, and is broken.
  CHECK(page.texts("//li[@class='s0']") == Texts{"run 0"});
  CHECK(page.texts("//li[@class='s0 broken']") == Texts{"run 6"});
}
