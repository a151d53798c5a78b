#include "tasks/report/report.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "core/counted.h"
#include "core/error.h"
#include "core/io/files.h"
#include "tasks/report/report_sections.h"
#include "tasks/report/report_style.h"
#include "tasks/text/html.h"

namespace gradus {
namespace {

constexpr double largest_written_out = 1e9;  // scores from here on are short: "1e+12"

std::string explained(std::string_view explanation) {
  if (explanation.empty()) return "";
  return fmt::format("<p class=\"explanation\">{}</p>\n", escape_html(explanation));
}

std::string list(std::string_view css_class, const std::string& items) {
  return items.empty() ? "" : fmt::format("<ul class=\"{}\">\n{}</ul>\n", css_class, items);
}

std::string notes(const Report& report) {
  std::string items;
  for (const std::string& note : report.notes) items += fmt::format("<li>{}</li>\n", escape_html(note));
  return list("notes", items);
}

std::string value_text(const ReportScore& score) {
  if (!std::isfinite(score.value)) return "–";
  if (std::abs(score.value) >= largest_written_out) return fmt::format("{:.4g}", score.value);
  const std::string text = fmt::format("{:.{}f}", score.value, std::max(0, score.decimals));
  const bool is_zero = text.find_first_not_of("-0.") == std::string::npos;
  return is_zero && text.starts_with('-') ? text.substr(1) : text;
}

std::string tile(const ReportScore& score) {
  std::string html = fmt::format("<li><span class=\"name\">{}</span><span class=\"value\">{}",
                                 escape_html(score.name), value_text(score));
  if (std::isfinite(score.value) && !score.unit.empty())
    html += fmt::format("<span class=\"unit\">{}</span>", escape_html(score.unit));
  html += "</span>";
  if (!score.explanation.empty())
    html += fmt::format("<span class=\"meaning\">{}</span>", escape_html(score.explanation));
  return html + "</li>\n";
}

std::string tiles(const Report& report) {
  std::string items;
  for (const ReportScore& score : report.scores) items += tile(score);
  return list("tiles", items);
}

std::string facts(const Report& report) {
  std::string items;
  for (const auto& [name, value] : report.facts)
    items += fmt::format("<div><dt>{}</dt><dd>{}</dd></div>\n", escape_html(name), escape_html(value));
  if (!items.empty()) items = fmt::format("<dl class=\"facts\">\n{}</dl>\n", items);
  return section_html("The run", "What it worked on, and what it took.", items);
}

// Whether a cell is a number, with a percent sign or commas between thousands perhaps, or stands for a
// missing one.
bool is_number(std::string cell) {
  std::erase(cell, ',');
  if (cell.ends_with('%')) cell.pop_back();
  while (cell.ends_with(' ')) cell.pop_back();
  if (cell.empty() || cell == "-" || cell == "–") return true;
  double value = 0;
  const auto result = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  return result.ec == std::errc() && result.ptr == cell.data() + cell.size();
}

std::vector<bool> number_columns(const ReportTable& table) {
  std::vector<bool> numbers(table.columns.size(), !table.rows.empty());
  for (const std::vector<std::string>& row : table.rows) {
    check(row.size() == table.columns.size(),
          "[report] table '{}' has a row of {} cells, expected {} as it has columns", table.heading,
          row.size(), table.columns.size());
    for (size_t i = 0; i < row.size(); ++i) numbers[i] = numbers[i] && is_number(row[i]);
  }
  return numbers;
}

std::string table_row(const char* cell, const std::vector<std::string>& texts,
                      const std::vector<bool>& numbers) {
  std::string html = "<tr>";
  for (size_t i = 0; i < texts.size(); ++i)
    html += fmt::format("<{}{}>{}</{}>", cell, numbers[i] ? " class=\"number\"" : "", escape_html(texts[i]),
                        cell);
  return html + "</tr>\n";
}

std::string table(const ReportTable& given) {
  const std::vector<bool> numbers = number_columns(given);
  if (given.rows.empty()) return "";
  std::string rows;
  for (const std::vector<std::string>& row : given.rows) rows += table_row("td", row, numbers);
  return section_html(given.heading, given.explanation,
                      fmt::format("<div class=\"scroll\" tabindex=\"0\"><table>\n"
                                  "<thead>{}</thead>\n<tbody>\n{}</tbody>\n</table></div>\n",
                                  table_row("th", given.columns, numbers), rows));
}

std::string tables(const Report& report) {
  std::string html;
  for (const ReportTable& one : report.tables) html += table(one);
  return html;
}

std::string charts(const Report& report) {
  std::string html;
  for (const auto& [heading, explanation, chart] : report.charts)
    html += section_html(heading, explanation, chart_html(chart));
  return html;
}

std::string settings(const Report& report) {
  std::string changed, untouched;
  for (const ReportSetting& setting : report.settings) {
    const bool is_default = setting.origin == "default";
    (is_default ? untouched : changed) +=
        fmt::format("<tr{}><td>{}</td><td>{}</td><td>{}</td></tr>\n", is_default ? " class=\"default\"" : "",
                    escape_html(setting.name), escape_html(setting.value), escape_html(setting.origin));
  }
  if (report.settings.empty()) return "";
  return section_html(
      "Settings",
      "All that is needed to repeat the run. Those that were set come first, with where they were set; the "
      "others have their defaults.",
      fmt::format("<details><summary>{}</summary>\n"
                  "<div class=\"scroll\" tabindex=\"0\"><table class=\"settings\">\n"
                  "<thead><tr><th>setting</th><th>value</th><th>set by</th></tr></thead>\n"
                  "<tbody>\n{}{}</tbody>\n</table></div></details>\n",
                  counted(report.settings.size(), "setting"), changed, untouched));
}

std::string header(const Report& report) {
  std::string html = fmt::format("<header>\n<h1>{}</h1>\n", escape_html(report.title));
  if (!report.subtitle.empty())
    html += fmt::format("<p class=\"subtitle\">{}</p>\n", escape_html(report.subtitle));
  std::string items;
  for (const auto& [name, value] : report.about)
    items += fmt::format("<dt>{}</dt><dd>{}</dd>\n", escape_html(name), escape_html(value));
  if (!items.empty()) html += fmt::format("<dl class=\"about-run\">\n{}</dl>\n", items);
  return html + "</header>\n";
}

}  // namespace

std::string section_html(std::string_view heading, std::string_view explanation, const std::string& inside) {
  if (inside.empty()) return "";
  return fmt::format("<section>\n<h2>{}</h2>\n{}{}</section>\n", escape_html(heading), explained(explanation),
                     inside);
}

std::string to_html(const Report& report) {
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
      "<meta name=\"color-scheme\" content=\"light dark\"/>\n<title>{}</title>\n<style>{}</style>\n</head>\n"
      "<body>\n<main>\n{}</main>\n</body>\n</html>\n",
      escape_html(report.title), report_style,
      header(report) + notes(report) + tiles(report) + facts(report) + curves_html(report) + tables(report) +
          charts(report) + confusion_html(report) + errors_html(report) + settings(report) +
          "<footer class=\"small\">Written by Gradus.</footer>\n");
}

void write_report(const std::string& path, const Report& report) { replace_file(path, to_html(report)); }

}  // namespace gradus
