#include "tasks/report/chart.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace gradus {
namespace {

constexpr double largest_drawable = 1e300;
constexpr double smallest_range = 1e-290;
constexpr int most_y_ticks = 5;

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

// "2e-05" as "2e-5".
std::string short_exponent(std::string text) {
  const size_t zero = text.find("e-0");
  if (zero != std::string::npos) text.erase(zero + 2, 1);
  return text;
}

}  // namespace

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

Axis x_axis(const Chart& chart, int most_ticks) {
  Range range;
  for (const ChartSeries& series : chart.series) {
    for (const ChartPoint& point : series.points) range.include(point.x);
  }
  range.widen(1);
  return {range.low, range.high, round_ticks(range.low, range.high, most_ticks, 1)};
}

Axis y_axis(const Chart& chart) {
  Range range;
  for (const ChartSeries& series : chart.series) {
    for (const ChartPoint& point : series.points) range.include(point.y);
  }
  const bool begins_at_zero = chart.from_zero && range.low >= 0;
  if (begins_at_zero) range.low = 0;
  range.widen(0);
  if (begins_at_zero) range.low = 0;
  const double step = round_ticks(range.low, range.high, most_y_ticks).step;
  const double low = std::floor(range.low / step + 1e-9) * step;
  const double high = std::ceil(range.high / step - 1e-9) * step;
  return {low, high, round_ticks(low, high, most_y_ticks + 2, step)};
}

Chart drawable(Chart chart) {
  for (ChartSeries& series : chart.series) series.points = drawable(series.points);
  std::erase_if(chart.series, [](const ChartSeries& series) { return series.points.empty(); });
  return chart;
}

}  // namespace gradus
