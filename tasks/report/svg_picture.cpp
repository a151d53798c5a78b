#include "tasks/report/svg_picture.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "tasks/text/html.h"

namespace gradus {
namespace {

constexpr size_t most_columns = 3;
constexpr double width = 290, height = 250;                     // of a chart with all that is around it
constexpr double left = 46, right = 14, top = 34, bottom = 44;  // around its lines
constexpr double plot_width = width - left - right, plot_height = height - top - bottom;
constexpr double legend_height = 30, letter = 7.5;

constexpr std::string_view style =
    "text { fill: #1c1e21; font: 12px sans-serif; } .small { fill: #595f67; font-size: 11px; } "
    ".title { font-weight: bold; } .grid { stroke: #dddcd5; } .line { fill: none; stroke-width: 2; }";
constexpr std::array<std::string_view, 6> colours = {"#1f5fa8", "#b3541e", "#1b7f5c",
                                                     "#8a3f94", "#7a6a00", "#a3263c"};

std::string text(std::string_view css_class, double x, double y, std::string_view anchor,
                 std::string_view content) {
  return fmt::format("<text class=\"{}\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>\n", css_class,
                     x, y, anchor, escape_html(content));
}

// The names of all series, each once.
std::vector<std::string> names_of(const std::vector<Chart>& charts) {
  std::vector<std::string> names;
  for (const Chart& chart : charts) {
    for (const ChartSeries& series : chart.series)
      if (std::ranges::find(names, series.name) == names.end()) names.push_back(series.name);
  }
  return names;
}

std::string_view colour_of(const std::vector<std::string>& names, const std::string& name) {
  const auto place = std::ranges::find(names, name) - names.begin();
  return colours[static_cast<size_t>(place) % colours.size()];
}

// Series beyond the colours have their lines broken.
std::string_view dashes_of(const std::vector<std::string>& names, const std::string& name) {
  const auto place = static_cast<size_t>(std::ranges::find(names, name) - names.begin());
  return place < colours.size() ? "" : " stroke-dasharray=\"5 3\"";
}

// How far apart the names in the legend begin.
double legend_step(const std::vector<std::string>& names) {
  size_t longest = 0;
  for (const std::string& name : names) longest = std::max(longest, name.size());
  return 50 + letter * static_cast<double>(longest);
}

std::string legend(const std::vector<std::string>& names) {
  std::string svg;
  const double step = legend_step(names);
  double x = left;
  for (const std::string& name : names) {
    if (name.empty()) continue;
    svg += fmt::format("<path class=\"line\" stroke=\"{}\"{} d=\"M{:.1f} 18h22\"/>\n", colour_of(names, name),
                       dashes_of(names, name), x);
    svg += text("", x + 28, 22, "start", name);
    x += step;
  }
  return svg;
}

// With its upper left corner at the origin.
std::string drawn(const Chart& chart, const std::vector<std::string>& names) {
  const Axis x = x_axis(chart, 4), y = y_axis(chart);
  const auto x_place = [&](double value) { return left + plot_width * x.part(value); };
  const auto y_place = [&](double value) { return top + plot_height * (1 - y.part(value)); };
  std::string svg = text("title", left, top - 14, "start", chart.title);
  for (const double tick : y.ticks.values) {
    svg +=
        fmt::format("<path class=\"grid\" d=\"M{:.1f} {:.1f}h{:.1f}\"/>\n", left, y_place(tick), plot_width);
    svg += text("small", left - 6, y_place(tick) + 4, "end", tick_text(tick, y.ticks.step));
  }
  for (const double tick : x.ticks.values) {
    svg +=
        fmt::format("<path class=\"grid\" d=\"M{:.1f} {:.1f}v{:.1f}\"/>\n", x_place(tick), top, plot_height);
    svg += text("small", x_place(tick), height - bottom + 16, "middle", tick_text(tick, x.ticks.step));
  }
  svg += text("small", left + plot_width / 2, height - 10, "middle", chart.x_name);
  for (const ChartSeries& series : chart.series) {
    const std::string_view colour = colour_of(names, series.name);
    std::string d;
    for (const ChartPoint& point : series.points)
      d += fmt::format("{}{:.1f} {:.1f}", d.empty() ? "M" : "L", x_place(point.x), y_place(point.y));
    svg += fmt::format("<path class=\"line\" stroke=\"{}\"{} d=\"{}\"/>\n", colour,
                       dashes_of(names, series.name), d);
    if (!series.dots && series.points.size() > 1) continue;
    for (const ChartPoint& point : series.points) {
      svg += fmt::format(
          "<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\" fill=\"{}\"><title>{}</title></circle>\n",
          x_place(point.x), y_place(point.y), colour,
          escape_html(fmt::format("{}: {:.6g} at {} {}", series.name, point.y, chart.x_name, point.x)));
    }
  }
  return svg;
}

}  // namespace

std::string svg_picture(const std::vector<Chart>& given) {
  std::vector<Chart> charts;
  for (const Chart& chart : given) {
    charts.push_back(drawable(chart));
    if (charts.back().series.empty()) charts.pop_back();
  }
  if (charts.empty()) return "";
  const std::vector<std::string> names = names_of(charts);
  const size_t columns = std::min(charts.size(), most_columns),
               rows = (charts.size() + columns - 1) / columns;
  const double whole_width = std::max(width * static_cast<double>(columns),
                                      left + legend_step(names) * static_cast<double>(names.size()));
  const double whole_height = legend_height + height * static_cast<double>(rows);
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0:.0f} {1:.0f}\" "
      "width=\"{0:.0f}\">\n<style>{2}</style>\n"
      "<rect width=\"{0:.0f}\" height=\"{1:.0f}\" fill=\"white\"/>\n{3}",
      whole_width, whole_height, style, legend(names));
  for (size_t i = 0; i < charts.size(); ++i) {
    svg += fmt::format("<g transform=\"translate({:.0f} {:.0f})\">\n{}</g>\n",
                       width * static_cast<double>(i % columns),
                       legend_height + height * static_cast<double>(i / columns), drawn(charts[i], names));
  }
  return svg + "</svg>\n";
}

}  // namespace gradus
