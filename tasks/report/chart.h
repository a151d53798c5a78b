// Line charts before they are drawn: their points and the numbers along their sides.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace gradus {

struct ChartPoint {
  double x = 0;
  double y = 0;

  friend bool operator==(const ChartPoint&, const ChartPoint&) = default;
};

struct ChartSeries {
  std::string name;                // in the legend; may be empty
  std::vector<ChartPoint> points;  // in the order of x
  bool faint = false;              // thin and pale, for what another series sums up
  bool dots = false;               // marks each point, and tells its numbers under the mouse
};

struct Chart {
  std::string title;   // told where the picture can't be seen
  std::string x_name;  // what x counts: "step"
  std::vector<ChartSeries> series;
  bool from_zero = false;               // y begins at 0 when no value is below
  bool low = false;                     // half as high as others
  std::optional<double> marked_x = {};  // a vertical line there,
  std::string mark = {};                // and its name
};

// The points that can be drawn: those with finite numbers, up to 1e300 so that differences are finite too.
std::vector<ChartPoint> drawable(const std::vector<ChartPoint>& points);

// At most `most` points: means over runs of as good as equal length.
std::vector<ChartPoint> run_means(const std::vector<ChartPoint>& points, size_t most);

// Each point's y replaced by the mean over the points up to `radius` places before and behind, fewer at the
// ends, so that the curve lags behind on neither side.
std::vector<ChartPoint> moving_mean(const std::vector<ChartPoint>& points, size_t radius);

// Round numbers, 1, 2 or 5 times a power of ten apart, of which about `most` at most lie from `low` to
// `high`.
struct Ticks {
  double step = 1;
  std::vector<double> values;
};
Ticks round_ticks(double low, double high, int most, double smallest_step = 0);

// A tick's label: no more digits than the step needs, "12k" for 12000.
std::string tick_text(double value, double step);

// The numbers along one side of a chart.
struct Axis {
  double low = 0;
  double high = 1;
  Ticks ticks;

  double part(double value) const { return (value - low) / (high - low); }  // 0 to 1
};

// Both sides of a chart that has points, all of them drawable. x counts steps: whole numbers, and the curves take the whole width;
// y ends at a tick on both sides.
Axis x_axis(const Chart& chart, int most_ticks = 6);
Axis y_axis(const Chart& chart);

// The chart without the points that can't be drawn, and without series that have no others.
Chart drawable(Chart chart);

}  // namespace gradus
