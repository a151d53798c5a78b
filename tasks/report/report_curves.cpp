#include <fmt/core.h>

#include <algorithm>

#include "core/counted.h"
#include "tasks/report/report_sections.h"
#include "tasks/text/html.h"

namespace gradus {
namespace {

constexpr size_t most_points = 400;    // of a line
constexpr size_t most_with_dots = 60;  // of a line whose points are marked
constexpr size_t fewest_to_smooth = 20;
constexpr size_t smoothing_share = 40;  // the moving mean's radius is 1 point in so many

// Says how many points the curve lacks; nothing when it has all.
std::string left_out(const ReportCurve& curve) {
  const size_t count = curve.points.size() - drawable(curve.points).size();
  if (count == 0) return "";
  return fmt::format("<p class=\"small\">Not drawn, because not finite: {} of {} of {}.</p>\n", count,
                     counted(curve.points.size(), "point"), escape_html(curve.name));
}

// The steps as they are, or means of them where they are too many to draw, and a smooth curve on top. `name`: of the curve
// where it needs none of the two.
std::vector<ChartSeries> step_series(const ReportCurve& curve, int64_t steps_per_point,
                                     const std::string& name) {
  const std::vector<ChartPoint> points = drawable(curve.points);
  const std::vector<ChartPoint> shown = run_means(points, most_points);
  if (shown.size() < fewest_to_smooth) return {{name, shown}};
  const size_t per_point = points.size() / shown.size() * static_cast<size_t>(steps_per_point);
  const size_t radius = std::max<size_t>(1, shown.size() / smoothing_share);
  const std::string raw = per_point == 1 ? "each step" : fmt::format("mean of about {} steps", per_point);
  return {{raw, shown, true, false},
          {fmt::format("moving mean of about {} steps", (2 * radius + 1) * per_point),
           moving_mean(shown, radius), false, false}};
}

std::string training_loss(const Report& report) {
  const std::vector<ChartPoint>& end = report.final_loss.points;
  const bool is_alone = report.evaluation_loss.points.empty() && end.empty();
  Chart chart{
      "Training loss over the steps", "step",
      step_series(report.training_loss, report.steps_per_loss, is_alone ? "" : report.training_loss.name),
      true};
  if (!end.empty()) {
    // The smooth curve's last mean is one of fewer steps and others: it is to end where the run is said to end.
    if (chart.series.back().points.size() > 1 && chart.series.size() > 1)
      chart.series.back().points.back() = end.back();
    chart.series.push_back({report.final_loss.name, end});
  }
  const std::vector<ChartPoint> evaluated = run_means(drawable(report.evaluation_loss.points), most_points);
  if (!evaluated.empty())
    chart.series.push_back(
        {report.evaluation_loss.name, evaluated, false, evaluated.size() <= most_with_dots});
  return section_html(
      "Training loss",
      "How wrong the model was on the examples it was learning from, step by step; 0 would be without error. "
      "A run that goes well falls quickly at first and then levels off. A curve that rises again, or leaps, "
      "asks for a smaller learning rate. The loss at the end, here, in the log and in the metrics file, is a "
      "mean of the last steps, since that of one step leaps from batch to batch.",
      chart_html(chart) + left_out(report.training_loss) + left_out(report.evaluation_loss));
}

std::string learning_rate(const Report& report) {
  const std::vector<ChartPoint> points = run_means(drawable(report.learning_rate.points), most_points);
  const Chart chart{"Learning rate over the steps", "step", {{"", points}}, true, true};
  return section_html(
      "Learning rate",
      "How far one step may move the model's weights. Small at first, so that a model that knows nothing of "
      "the task yet is not thrown off (the warm-up), and falling towards the end, so that it settles.",
      chart_html(chart) + left_out(report.learning_rate));
}

std::string gradient_norm(const Report& report) {
  const Chart chart{"Gradient norm over the steps", "step",
                    step_series(report.gradient_norm, report.steps_per_loss, ""), true};
  return section_html(
      "Gradient norm",
      "How strongly the examples of a step pull at the weights, before clipping. It leaps where an example "
      "is odd or the learning rate too high; where it is mostly above --max_grad_norm, clipping decides how "
      "far steps go.",
      chart_html(chart) + left_out(report.gradient_norm));
}

std::string loss_scale(const Report& report) {
  const std::vector<ChartPoint> points = run_means(drawable(report.loss_scale.points), most_points);
  const Chart chart{"Loss scale over the steps, as a power of 2", "step", {{"", points}}, true, true};
  return section_html(
      "Loss scale",
      "The factor that keeps small gradients from vanishing, as a power of 2: 16 stands for 65536. A step "
      "whose gradients overflow is skipped and "
      "lowers it; it grows again after a while without. A run that goes well has few skipped steps after "
      "the first ones.",
      chart_html(chart) + left_out(report.loss_scale));
}

// The curve's name with its best and last value, for the legend.
std::string curve_summary(const ReportCurve& curve) {
  const std::vector<ChartPoint> points = drawable(curve.points);
  if (points.empty()) return curve.name;
  const ChartPoint best = *std::ranges::max_element(points, {}, &ChartPoint::y);
  return fmt::format("{}: highest {:.4g} at step {}, last {:.4g}", curve.name, best.y, best.x,
                     points.back().y);
}

std::string evaluation(const Report& report) {
  Chart chart{"Evaluation scores over the steps", "step", {}};
  std::string missing;
  for (const ReportCurve& curve : report.evaluation) {
    const std::vector<ChartPoint> points = run_means(drawable(curve.points), most_points);
    chart.series.push_back({curve_summary(curve), points, false, points.size() <= most_with_dots});
    missing += left_out(curve);
  }
  if (report.best_step) {
    chart.marked_x = static_cast<double>(*report.best_step);
    chart.mark = fmt::format("best: step {}", *report.best_step);
  }
  return section_html(
      "Evaluation during the run",
      "Scores on examples that the model does not learn from. When they fall while the training loss falls "
      "on, the model is learning its examples by heart instead of what they have in common: overfitting. The "
      "dashed line, if there is one, marks the step whose weights were kept.",
      chart_html(chart) + missing);
}

}  // namespace

std::string curves_html(const Report& report) {
  return training_loss(report) + evaluation(report) + learning_rate(report) + gradient_norm(report) +
         loss_scale(report);
}

}  // namespace gradus
