#include <fmt/core.h>

#include <algorithm>

#include "tasks/report/report_sections.h"
#include "tasks/text/html.h"

namespace gradus {
namespace {

std::string mark(std::string_view css_class, std::string_view text, std::string_view label) {
  return fmt::format("<mark class=\"{}\">{}<small>{}</small></mark>", css_class, escape_html(text),
                     escape_html(label));
}

std::string segment(const ReportSegment& part) {
  if (part.gold.empty() && part.predicted.empty()) return escape_html(part.text);
  if (part.gold == part.predicted) return mark("found", part.text, part.gold);
  if (part.predicted.empty()) return mark("missed", part.text, part.gold);
  if (part.gold.empty()) return mark("invented", part.text, part.predicted);
  return mark("mistaken", part.text, part.gold + " → " + part.predicted);
}

// What is known of the error beside its text.
std::string about(const ReportError& error) {
  std::string html;
  if (!error.heading.empty()) html += fmt::format("<b dir=\"auto\">{}</b>\n", escape_html(error.heading));
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty())
      html += fmt::format("<span>{} <strong>{}</strong></span>\n", name, escape_html(value));
  };
  add("gold", error.gold);
  add("predicted", error.predicted);
  if (error.confidence) add("confidence", fmt::format("{:.1f}%", 100 * *error.confidence));
  if (error.loss) add("loss", fmt::format("{:.2f}", *error.loss));
  return html.empty() ? "" : fmt::format("<p class=\"about\">{}</p>\n", html);
}

std::string error_item(const ReportError& error) {
  std::string text;
  for (const ReportSegment& part : error.text) text += segment(part);
  if (!text.empty()) text = fmt::format("<p class=\"text\" dir=\"auto\">{}</p>\n", text);
  return fmt::format("<li>\n{}{}</li>\n", about(error), text);
}

bool has_marks(const Report& report) {
  const auto marked = [](const ReportSegment& part) { return !part.gold.empty() || !part.predicted.empty(); };
  return std::ranges::any_of(report.errors,
                             [&](const ReportError& e) { return std::ranges::any_of(e.text, marked); });
}

// What the marks in the texts mean.
const char* const mark_key =
    "<ul class=\"key\">\n<li><mark class=\"found\">right</mark> in the labels and predicted</li>\n"
    "<li><mark class=\"missed\">missed</mark> in the labels only</li>\n"
    "<li><mark class=\"invented\">invented</mark> predicted only</li>\n"
    "<li><mark class=\"mistaken\">mistaken</mark> other type or other limits (label → "
    "prediction)</li>\n</ul>\n";

}  // namespace

std::string errors_html(const Report& report) {
  std::string items;
  for (const ReportError& error : report.errors) items += error_item(error);
  if (items.empty()) return "";
  return section_html(
      "Worst errors",
      "The examples that the model got most wrong, worst first; \"gold\" is the label in the data, which is "
      "taken for the truth. Reading them is the quickest way to learn what the model lacks, and often shows "
      "that a label is wrong.",
      (has_marks(report) ? mark_key : "") + fmt::format("<ul class=\"errors\">\n{}</ul>\n", items));
}

}  // namespace gradus
