#include "tasks/report/svg_chart.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "tasks/text/html.h"

namespace gradus {
namespace {

constexpr double largest_drawable = 1e300;
constexpr double smallest_range = 1e-290;
constexpr int most_x_ticks = 6;
constexpr int most_y_ticks = 5;
constexpr size_t colours = 6;  // in the style sheet

// The numbers along one side of a chart.
struct Axis {
  double low = 0;
  double high = 1;
  Ticks ticks;

  double part(double value) const { return (value - low) / (high - low); }  // 0 to 1
};

struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();

  void include(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  // Makes room around values that are as good as equal, so that there is something to divide by.
  void widen(double least) {
    const double size = std::max(std::abs(low), std::abs(high));
    if (high - low > std::max(1e-9 * size, smallest_range)) return;
    const double room = std::max(size > smallest_range ? 0.1 * size : 1, least);
    low -= room;
    high += room;
  }
};

// Steps are whole numbers, and the curve takes the whole width.
Axis x_axis(const std::vector<ChartSeries>& series) {
  Range range;
  for (const ChartSeries& one : series) {
    for (const ChartPoint& point : one.points) range.include(point.x);
  }
  range.widen(1);
  return {range.low, range.high, round_ticks(range.low, range.high, most_x_ticks, 1)};
}

// Ends at a tick on both sides.
Axis y_axis(const std::vector<ChartSeries>& series, bool from_zero) {
  Range range;
  for (const ChartSeries& one : series) {
    for (const ChartPoint& point : one.points) range.include(point.y);
  }
  const bool begins_at_zero = from_zero && range.low >= 0;
  if (begins_at_zero) range.low = 0;
  range.widen(0);
  if (begins_at_zero) range.low = 0;
  const double step = round_ticks(range.low, range.high, most_y_ticks).step;
  const double low = std::floor(range.low / step + 1e-9) * step;
  const double high = std::ceil(range.high / step - 1e-9) * step;
  return {low, high, round_ticks(low, high, most_y_ticks + 2, step)};
}

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

// The style of a series. A faint one has the colour of the next that isn't, which sums it up.
std::string css_class(const Chart& chart, size_t number) {
  const auto behind = chart.series.begin() + static_cast<std::ptrdiff_t>(number);
  const auto colour =
      std::count_if(chart.series.begin(), behind, [](const ChartSeries& s) { return !s.faint; });
  return fmt::format("s{}{}", static_cast<size_t>(colour) % colours, behind->faint ? " faint" : "");
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

// "2e-05" as "2e-5".
std::string short_exponent(std::string text) {
  const size_t zero = text.find("e-0");
  if (zero != std::string::npos) text.erase(zero + 2, 1);
  return text;
}

void keep_drawable(Chart& chart) {
  for (ChartSeries& series : chart.series) series.points = drawable(series.points);
  std::erase_if(chart.series, [](const ChartSeries& series) { return series.points.empty(); });
}

}  // namespace

std::string chart_html(const Chart& given) {
  Chart chart = given;
  keep_drawable(chart);
  if (chart.series.empty()) return "";
  const Axis x = x_axis(chart.series), y = y_axis(chart.series, chart.from_zero);
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

std::vector<ChartPoint> drawable(const std::vector<ChartPoint>& points) {
  std::vector<ChartPoint> result;
  std::ranges::copy_if(points, std::back_inserter(result), [](const ChartPoint& point) {
    return std::abs(point.x) <= largest_drawable && std::abs(point.y) <= largest_drawable;
  });
  return result;
}

std::vector<ChartPoint> run_means(const std::vector<ChartPoint>& points, size_t most) {
  if (points.size() <= most) return points;
  std::vector<ChartPoint> means;
  for (size_t run = 0; run < most; ++run) {
    const size_t begin = run * points.size() / most, end = (run + 1) * points.size() / most;
    ChartPoint mean;
    for (size_t i = begin; i < end; ++i) {
      mean.x += points[i].x / static_cast<double>(end - begin);
      mean.y += points[i].y / static_cast<double>(end - begin);
    }
    means.push_back(mean);
  }
  return means;
}

std::vector<ChartPoint> moving_mean(const std::vector<ChartPoint>& points, size_t radius) {
  std::vector<ChartPoint> means = points;
  for (size_t i = 0; i < points.size(); ++i) {
    const size_t begin = i - std::min(i, radius), end = std::min(points.size(), i + radius + 1);
    means[i].y = 0;
    for (size_t k = begin; k < end; ++k) means[i].y += points[k].y / static_cast<double>(end - begin);
  }
  return means;
}

Ticks round_ticks(double low, double high, int most, double smallest_step) {
  // No finer than numbers of this size can be told apart, so that counting them comes to an end.
  const double finest = std::max({std::abs(low) * 1e-12, std::abs(high) * 1e-12, 1e-300});
  const double least = std::max((high - low) / most, finest);
  const double power = std::pow(10, std::floor(std::log10(least)));
  Ticks ticks;
  for (const double factor : {10.0, 5.0, 2.0, 1.0}) {
    if (factor * power >= least * (1 - 1e-9)) ticks.step = factor * power;
  }
  ticks.step = std::max(ticks.step, smallest_step);
  // Counted, not added up, so that rounding neither drops the last one nor gives 0.30000000000000004.
  const double first = std::ceil(low / ticks.step - 1e-6), last = std::floor(high / ticks.step + 1e-6);
  for (double number = first; number <= last; ++number) ticks.values.push_back(number * ticks.step);
  return ticks;
}

std::string tick_text(double value, double step) {
  if (std::abs(value) < 1e-6 * step) return "0";
  if (step >= 1e12 || step < 1e-4) return short_exponent(fmt::format("{:.6g}", value));
  if (step >= 1e8) return fmt::format("{:.6g}G", value / 1e9);
  if (step >= 1e5) return fmt::format("{:.6g}M", value / 1e6);
  if (step >= 1e3 || (step >= 100 && std::abs(value) >= 1e4)) return fmt::format("{:.6g}k", value / 1e3);
  const int decimals = std::max(0, static_cast<int>(std::ceil(-std::log10(step) - 1e-9)));
  return fmt::format("{:.{}f}", value, decimals);
}

}  // namespace gradus
