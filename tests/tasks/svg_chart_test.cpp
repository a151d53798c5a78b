#include "tasks/report/svg_chart.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <pugixml.hpp>

using namespace gradus;

namespace {

using Points = std::vector<ChartPoint>;

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

// The chart, parsed: one element around it, for it may be two.
pugi::xml_document parsed(const Chart& chart) {
  pugi::xml_document document;
  const std::string html = "<div>" + chart_html(chart) + "</div>";
  const pugi::xml_parse_result result = document.load_string(html.c_str());
  REQUIRE_MESSAGE(result, result.description());
  CHECK(html.find("nan") == std::string::npos);
  CHECK(html.find("inf") == std::string::npos);
  return document;
}

std::string path(const pugi::xml_document& document, const char* which) {
  const std::string query = std::string("//path[@class='") + which + "']";
  return document.select_node(query.c_str()).node().attribute("d").value();
}

Chart with(const Points& points) { return {"a chart", "step", {{"", points}}}; }

std::vector<std::string> tick_texts(double low, double high, int most) {
  std::vector<std::string> texts;
  const Ticks ticks = round_ticks(low, high, most);
  for (const double tick : ticks.values) texts.push_back(tick_text(tick, ticks.step));
  return texts;
}

}  // namespace

TEST_CASE("ticks are round and say no more than they need") {
  using Texts = std::vector<std::string>;
  CHECK(tick_texts(0, 1, 5) == Texts{"0", "0.2", "0.4", "0.6", "0.8", "1.0"});
  CHECK(tick_texts(0.03, 0.97, 5) == Texts{"0.2", "0.4", "0.6", "0.8"});
  CHECK(tick_texts(-1, 1, 4) == Texts{"-1.0", "-0.5", "0", "0.5", "1.0"});
  CHECK(tick_texts(75, 95, 4) == Texts{"75", "80", "85", "90", "95"});
  CHECK(tick_texts(0, 5000, 6) == Texts{"0", "1k", "2k", "3k", "4k", "5k"});
  CHECK(tick_texts(0, 1500, 6) == Texts{"0", "500", "1000", "1500"});
  CHECK(tick_texts(10000, 12500, 6) == Texts{"10k", "10.5k", "11k", "11.5k", "12k", "12.5k"});
  CHECK(tick_texts(0, 2.5e6, 6) == Texts{"0", "0.5M", "1M", "1.5M", "2M", "2.5M"});
  CHECK(tick_texts(0, 5e-5, 5) == Texts{"0", "1e-5", "2e-5", "3e-5", "4e-5", "5e-5"});
  CHECK(tick_texts(0, 1e300, 2) == Texts{"0", "5e+299", "1e+300"});
  CHECK(round_ticks(0, 2, 6, 1).values == std::vector<double>{0, 1, 2});  // no half steps
  // Where there is nothing between, or nothing that a number could tell apart, counting ends all the same.
  CHECK(round_ticks(2, 2, 6).values == std::vector<double>{2});
  CHECK(round_ticks(0, 0, 6).values == std::vector<double>{0});
  CHECK(round_ticks(1e16, 1e16 + 2, 6).values.size() < 10);
}

TEST_CASE("means over runs keep few points as they are and many in their places") {
  const Points few{{1, 5}, {2, 7}};
  CHECK(run_means(few, 2) == few);
  CHECK(run_means({{1, 1}, {2, 3}, {3, 5}, {4, 7}}, 2) == Points{{1.5, 2}, {3.5, 6}});
  Points many;
  for (int i = 0; i < 1001; ++i) many.push_back({static_cast<double>(i), 3});
  const Points means = run_means(many, 100);
  REQUIRE(means.size() == 100);
  for (const ChartPoint& point : means) CHECK(point.y == doctest::Approx(3));
  CHECK(means.back().x == doctest::Approx(995));
}

TEST_CASE("a moving mean follows a line and smooths a leap") {
  CHECK(moving_mean({{1, 0}, {2, 3}, {3, 6}, {4, 0}}, 1) == Points{{1, 1.5}, {2, 3}, {3, 3}, {4, 3}});
  CHECK(moving_mean({{1, 4}}, 5) == Points{{1, 4}});
  CHECK(moving_mean({}, 5).empty());
}

TEST_CASE("a chart draws its points from the lower left to the upper right") {
  const auto document = parsed(with({{0, 0}, {50, 5}, {100, 10}}));
  CHECK(path(document, "line") == "M0.00 100.00L50.00 50.00L100.00 0.00");
  CHECK(document.select_nodes("//div[@class='x-labels']/span").size() == 6);
  CHECK(document.select_node("//div[@class='chart']").node().attribute("aria-label").value() ==
        std::string("a chart"));
  CHECK(document.select_nodes("//ul[@class='legend']").empty());
}

TEST_CASE("points that are not finite are left out of a chart, and a chart of none is empty") {
  const auto document = parsed(
      with({{0, 0}, {1, not_a_number}, {2, infinity}, {3, -infinity}, {4, 1e301}, {infinity, 1}, {100, 10}}));
  CHECK(path(document, "line") == "M0.00 100.00L100.00 0.00");
  CHECK(chart_html(with({})).empty());
  CHECK(chart_html(with({{1, not_a_number}})).empty());
  CHECK(chart_html({"", "step", {}}).empty());
}

TEST_CASE("a single point is a dot in the middle, and the numbers of dots are told") {
  const auto document = parsed(with({{7, 3}}));
  CHECK(path(document, "dot").starts_with("M50.00 "));
  CHECK(document.select_node("//path[@class='dot']/title").node().child_value() ==
        std::string("3 at step 7"));
  Chart chart{"", "step", {{"F1 < 1", {{1, 0.5}, {2, 0.75}}, false, true}}};
  const auto two = parsed(chart);
  CHECK(two.select_nodes("//path[@class='dot']").size() == 2);
  CHECK(two.select_node("//path[@class='dot']/title").node().child_value() ==
        std::string("F1 < 1: 0.5 at step 1"));
  CHECK(two.select_node("//ul[@class='legend']/li").node().child_value() == std::string("F1 < 1"));
}

TEST_CASE("charts of values that leave no range, or nearly all of it, stay in their frame") {
  constexpr double smallest = 5e-324;
  for (const Points& points :
       {Points{{1, 0}, {2, 0}}, Points{{1, 5}, {2, 5}}, Points{{1, -3}, {2, -3}},
        Points{{1, 0}, {2, smallest}}, Points{{1, 1e15}, {2, 1e15 + 0.125}}, Points{{1, -1e300}, {2, 1e300}},
        Points{{5, 1}, {5, 2}}, Points{{1e17, 1}, {1e17 + 16, 2}}, Points{{0, 1e-300}, {1, 3e-300}}}) {
    for (const bool from_zero : {false, true}) {
      Chart chart = with(points);
      chart.from_zero = from_zero;
      const auto document = parsed(chart);
      CHECK(document.select_nodes("//div[@class='y-labels']/span").size() >= 2);
      double x = -1, y = -1;
      REQUIRE(std::sscanf(path(document, "line").c_str(), "M%lf %lf", &x, &y) == 2);
      CHECK(x >= 0);
      CHECK(x <= 100);
      CHECK(y >= 0);
      CHECK(y <= 100);
    }
  }
}

TEST_CASE("a marked place is drawn where it lies, on the side where its name has room") {
  Chart chart = with({{0, 0}, {100, 1}});
  chart.mark = "best";
  chart.marked_x = 75;
  const auto document = parsed(chart);
  CHECK(path(document, "marked") == "M75.00 0V100");
  const pugi::xml_node label = document.select_node("//span[@class='mark-label before']").node();
  CHECK(label.child_value() == std::string("best"));
  chart.marked_x = 101;
  CHECK(path(parsed(chart), "marked").empty());
}

TEST_CASE("a faint series has the colour of the one that sums it up") {
  const auto document =
      parsed({"",
              "step",
              {{"raw", {{1, 1}, {2, 2}}, true}, {"smooth", {{1, 1}, {2, 2}}}, {"other", {{1, 0}, {2, 2}}}}});
  CHECK(document.select_nodes("//g[@class='series s0 faint']").size() == 1);
  CHECK(document.select_nodes("//g[@class='series s0']").size() == 1);
  CHECK(document.select_nodes("//g[@class='series s1']").size() == 1);
  CHECK(document.select_nodes("//ul[@class='legend']/li").size() == 3);
}
