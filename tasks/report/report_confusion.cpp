#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/counted.h"
#include "core/error.h"
#include "tasks/report/report_sections.h"
#include "tasks/text/display_text.h"
#include "tasks/text/html.h"

namespace gradus {
namespace {

constexpr int64_t most_roomy = 5;         // more stand closer together
constexpr int widest_flat_head = 6;       // wider heads of close columns are turned by 90 degrees
constexpr int64_t most_with_counts = 20;  // more are squares without numbers
constexpr int64_t most_in_table = 60;     // more have the list of confusions alone
constexpr size_t most_confusions = 12;
constexpr int widest_label = 24;

constexpr std::string_view table_explanation =
    "The confusion matrix. A row holds the examples of one class by their labels in the data, the gold "
    "labels; a column those that were predicted to be of one class. What lies on the diagonal is right; "
    "the stronger the colour of another cell is, the larger the part of its row that went there.";
constexpr std::string_view list_explanation =
    "The classes are too many for a table of all pairs. These have the most examples of the one class, by "
    "their labels in the data (gold), that were predicted to be of the other.";

// The matrix as parts of the page.
class ConfusionHtml {
 public:
  ConfusionHtml(const ConfusionMatrix& matrix, std::span<const std::string> classes)
      : matrix_(matrix), classes_(classes) {}

  std::string table() const {
    std::string rows;
    for (int64_t gold = 0; gold < matrix_.classes(); ++gold) rows += row(gold);
    return fmt::format(
        "<div class=\"scroll\" tabindex=\"0\"><table class=\"{}\">\n"
        "<thead>{}{}</thead>\n<tbody>\n{}</tbody>\n</table></div>\n",
        table_class(), axis_row(), head_row(), rows);
  }

  std::string frequent() const {
    const std::vector<Confusion> all = confusions(matrix_);
    std::string rows;
    for (size_t i = 0; i < std::min(all.size(), most_confusions); ++i) {
      rows += fmt::format(
          "<tr><td>{}</td><td>{}</td><td class=\"number\">{}</td><td class=\"number\">{}</td></tr>\n",
          name(all[i].gold), name(all[i].predicted), all[i].count, percent(all[i].gold, all[i].count));
    }
    if (rows.empty()) return "<p>None was taken for another.</p>\n";
    return fmt::format(
        "<h3>The most frequent confusions</h3>\n<div class=\"scroll\" tabindex=\"0\"><table>\n"
        "<thead><tr><th>gold</th><th>predicted</th>"
        "<th class=\"number\">examples</th><th class=\"number\">of the class</th></tr></thead>\n"
        "<tbody>\n{}</tbody>\n</table></div>\n{}",
        rows, rest(all));
  }

 private:
  std::string name(int64_t id) const { return escape_html(classes_[static_cast<size_t>(id)]); }

  std::string table_class() const {
    const bool dense = matrix_.classes() > most_with_counts, close = matrix_.classes() > most_roomy;
    const bool wide = std::ranges::any_of(
        classes_, [](const std::string& label) { return text_width(label) > widest_flat_head; });
    return fmt::format("confusion{}{}{}", close ? " close" : "", dense ? " dense" : "",
                       dense || (close && wide) ? " turned" : "");
  }

  double share(int64_t gold, int64_t count) const {
    return static_cast<double>(count) / static_cast<double>(std::max<int64_t>(1, matrix_.gold_count(gold)));
  }
  std::string percent(int64_t gold, int64_t count) const {
    return fmt::format("{:.1f}%", 100 * share(gold, count));
  }

  // A label as a head, cut when it is long.
  std::string head(const char* scope, int64_t id) const {
    return fmt::format("<th scope=\"{}\" title=\"{}\"><span>{}</span></th>", scope, name(id),
                       escape_html(cut_text(classes_[static_cast<size_t>(id)], widest_label)));
  }

  std::string axis_row() const {
    return fmt::format(
        "<tr><th class=\"axis\">gold ↓</th><th class=\"axis\" colspan=\"{}\">predicted →</th></tr>\n",
        matrix_.classes());
  }

  std::string head_row() const {
    std::string html = "<tr><th></th>";
    for (int64_t id = 0; id < matrix_.classes(); ++id) html += head("col", id);
    return html + "</tr>";
  }

  std::string row(int64_t gold) const {
    std::string html = "<tr>" + head("row", gold);
    for (int64_t predicted = 0; predicted < matrix_.classes(); ++predicted) html += cell(gold, predicted);
    return html + "</tr>\n";
  }

  std::string cell(int64_t gold, int64_t predicted) const {
    const int64_t count = matrix_.count(gold, predicted);
    const bool with_count = matrix_.classes() <= most_with_counts;
    if (count == 0) return with_count ? "<td class=\"zero\">0</td>" : "<td></td>";
    const bool right = gold == predicted;
    // Errors are few: the root lifts them above the background.
    const double shade = right ? share(gold, count) : std::sqrt(share(gold, count));
    return fmt::format(
        "<td class=\"{}\" style=\"--p:{:.2f}\" title=\"gold {}, predicted {}: {} of {} ({})\">{}</td>",
        right ? "right" : "wrong", shade, name(gold), name(predicted), count, matrix_.gold_count(gold),
        percent(gold, count), with_count ? std::to_string(count) : "");
  }

  static std::string rest(const std::vector<Confusion>& all) {
    int64_t examples = 0;
    for (size_t i = most_confusions; i < all.size(); ++i) examples += all[i].count;
    if (examples == 0) return "";
    return fmt::format("<p class=\"small\">And {} more, of {}.</p>\n", all.size() - most_confusions,
                       counted(examples, "example"));
  }

  const ConfusionMatrix& matrix_;
  std::span<const std::string> classes_;
};

}  // namespace

std::string confusion_html(const Report& report) {
  if (!report.confusion) return "";
  const ConfusionMatrix& matrix = *report.confusion;
  check(static_cast<int64_t>(report.classes.size()) == matrix.classes(),
        "[report] {} labels of classes, expected {} as the confusion matrix has", report.classes.size(),
        matrix.classes());
  const ConfusionHtml html(matrix, report.classes);
  const char* heading = "Which classes are taken for which";
  if (matrix.classes() > most_in_table) return section_html(heading, list_explanation, html.frequent());
  const std::string list = matrix.classes() > most_roomy ? html.frequent() : "";
  return section_html(heading, table_explanation, html.table() + list);
}

}  // namespace gradus
