#include "tasks/report/svg_chart.h"

#include <fmt/core.h>

#include <algorithm>

#include "tasks/text/html.h"

namespace gradus {
namespace {

constexpr size_t colours = 6;  // in the style sheet

// Places in percent of the width, and of the height from above.
double percent_x(const Axis& axis, double x) { return 100 * axis.part(x); }
double percent_y(const Axis& axis, double y) { return 100 - 100 * axis.part(y); }

std::string grid_path(const Axis& x, const Axis& y) {
  std::string d;
  for (const double tick : y.ticks.values) d += fmt::format("M0 {:.2f}H100", percent_y(y, tick));
  for (const double tick : x.ticks.values) d += fmt::format("M{:.2f} 0V100", percent_x(x, tick));
  return fmt::format("<path class=\"grid\" d=\"{}\"/>", d);
}

std::string dot(const Axis& x, const Axis& y, const ChartPoint& point, const std::string& title) {
  // A line of no length with round ends stays a circle however the picture is stretched.
  return fmt::format("<path class=\"dot\" d=\"M{:.2f} {:.2f}h0\"><title>{}</title></path>",
                     percent_x(x, point.x), percent_y(y, point.y), escape_html(title));
}

std::string line(const Axis& x, const Axis& y, const std::vector<ChartPoint>& points) {
  std::string d;
  for (const ChartPoint& point : points)
    d += fmt::format("{}{:.2f} {:.2f}", d.empty() ? "M" : "L", percent_x(x, point.x), percent_y(y, point.y));
  return fmt::format("<path class=\"line\" d=\"{}\"/>", d);
}

// The style of a series: six colours, then these again with broken lines. A faint one has the colour of the next that isn't, which sums it up.
std::string css_class(const Chart& chart, size_t number) {
  const auto behind = chart.series.begin() + static_cast<std::ptrdiff_t>(number);
  const auto colour =
      std::count_if(chart.series.begin(), behind, [](const ChartSeries& s) { return !s.faint; });
  return fmt::format("s{}{}{}", static_cast<size_t>(colour) % colours, behind->faint ? " faint" : "",
                     static_cast<size_t>(colour) / colours % 2 == 1 ? " broken" : "");
}

std::string dot_title(const Chart& chart, const ChartSeries& series, const ChartPoint& point) {
  const std::string_view separator = series.name.empty() ? "" : ": ";
  return fmt::format("{}{}{:.6g} at {} {}", series.name, separator, point.y, chart.x_name, point.x);
}

std::string series_svg(const Chart& chart, size_t number, const Axis& x, const Axis& y) {
  const ChartSeries& series = chart.series[number];
  std::string inside = line(x, y, series.points);
  if (series.dots || series.points.size() == 1) {
    for (const ChartPoint& point : series.points) inside += dot(x, y, point, dot_title(chart, series, point));
  }
  return fmt::format("<g class=\"series {}\">{}</g>", css_class(chart, number), inside);
}

std::string labels(const Axis& axis, const char* side, double (*place)(const Axis&, double)) {
  std::string html;
  for (const double tick : axis.ticks.values) {
    html += fmt::format("<span style=\"{}:{:.2f}%\">{}</span>", side, place(axis, tick),
                        tick_text(tick, axis.ticks.step));
  }
  return html;
}

bool mark_is_inside(const Chart& chart, const Axis& x) {
  return chart.marked_x && *chart.marked_x >= x.low && *chart.marked_x <= x.high;
}

std::string mark_line(const Chart& chart, const Axis& x) {
  if (!mark_is_inside(chart, x)) return "";
  return fmt::format("<path class=\"marked\" d=\"M{:.2f} 0V100\"/>", percent_x(x, *chart.marked_x));
}

// On the side of the line where there is room.
std::string mark_label(const Chart& chart, const Axis& x) {
  if (!mark_is_inside(chart, x)) return "";
  const double place = percent_x(x, *chart.marked_x);
  return fmt::format("<span class=\"mark-label{}\" style=\"left:{:.2f}%\">{}</span>",
                     place > 50 ? " before" : "", place, escape_html(chart.mark));
}

std::string legend(const Chart& chart) {
  std::string items;
  for (size_t i = 0; i < chart.series.size(); ++i) {
    const std::string& name = chart.series[i].name;
    if (!name.empty())
      items += fmt::format("<li class=\"{}\">{}</li>", css_class(chart, i), escape_html(name));
  }
  if (items.empty()) return "";
  return fmt::format("<ul class=\"legend\">{}</ul>\n", items);
}

}  // namespace

std::string chart_html(const Chart& given) {
  const Chart chart = drawable(given);
  if (chart.series.empty()) return "";
  const Axis x = x_axis(chart), y = y_axis(chart);
  std::string drawing = grid_path(x, y) + mark_line(chart, x);
  for (size_t i = 0; i < chart.series.size(); ++i) drawing += series_svg(chart, i, x, y);
  return legend(chart) + fmt::format(
                             "<div class=\"chart{}\" role=\"img\" aria-label=\"{}\">\n"
                             "<div class=\"y-labels\">{}</div>\n"
                             "<div class=\"plot\"><svg viewBox=\"0 0 100 100\" "
                             "preserveAspectRatio=\"none\">{}</svg>{}</div>\n"
                             "<div class=\"x-labels\">{}</div><div class=\"x-name\">{}</div>\n</div>\n",
                             chart.low ? " low" : "", escape_html(chart.title), labels(y, "top", percent_y),
                             drawing, mark_label(chart, x), labels(x, "left", percent_x),
                             escape_html(chart.x_name));
}

}  // namespace gradus
