// The tape as an SVG picture.
#include <algorithm>
#include <cmath>

#include "autograd/printed_tape.h"

namespace gradus {
namespace {

constexpr double box_left = 110, box_width = 290, box_height = 40, gap = 22, line_height = 16;
constexpr double names_left = box_left + box_width + 24, letter = 6.9;
constexpr double bar_width = 120, top = 64;

constexpr std::string_view style =
    "text { fill: #1c1e21; font: 12px sans-serif; } .op { font-weight: bold; } "
    ".small { fill: #595f67; font-size: 11px; } .box { fill: #eef3fa; stroke: #1f5fa8; } "
    ".flow { fill: none; stroke: #1f5fa8; stroke-width: 1.5; } .bar { fill: #b3541e; }";

std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '&') result += "&amp;";
    else if (c == '<') result += "&lt;";
    else if (c == '>') result += "&gt;";
    else result += c;
  }
  return result;
}

std::string label(std::string_view css_class, double x, double y, std::string_view text) {
  return fmt::format("<text class=\"{}\" x=\"{:.0f}\" y=\"{:.0f}\">{}</text>\n", css_class, x, y,
                     escaped(text));
}

std::vector<std::string> parameter_lines(const Tape::Step& step) {
  std::vector<std::string> lines;
  for (const Tape::Input& input : step.inputs) {
    if (!input.parameter) continue;
    const std::string& name = input.parameter->parameter->name;
    lines.push_back(fmt::format("{} {}", name.empty() ? "a parameter" : name, input.parameter->shape));
  }
  return lines;
}

// Where each box begins; a step with many parameters has room for their names.
std::vector<double> places_of(const Tape& tape) {
  std::vector<double> places{top};
  for (const Tape::Step& step : tape.steps) {
    const double names = line_height * static_cast<double>(parameter_lines(step).size());
    places.push_back(places.back() + std::max(box_height, names) + gap);
  }
  return places;
}

// From the step before straight down; from an earlier one around those between, the farther the wider.
std::string arrow(const std::vector<double>& places, size_t from, size_t to) {
  const double begin = places[from] + box_height, end = places[to] - 2, middle = box_left + box_width / 2;
  if (from + 1 == to)
    return fmt::format("<path class=\"flow\" marker-end=\"url(#tip)\" d=\"M{:.0f} {:.0f}V{:.0f}\"/>\n",
                       middle, begin, end);
  const double x = box_left - std::min(90.0, 14.0 + 12.0 * static_cast<double>(to - from));
  const double out = begin - box_height / 2, in = places[to] + box_height / 2;
  return fmt::format(
      "<path class=\"flow\" marker-end=\"url(#tip)\" d=\"M{0:.0f} {1:.0f}C{2:.0f} {1:.0f} {2:.0f} {1:.0f} "
      "{2:.0f} {3:.0f}"
      "V{4:.0f}C{2:.0f} {5:.0f} {2:.0f} {5:.0f} {6:.0f} {5:.0f}\"/>\n",
      box_left, out, x, out + 24, in - 24, in, box_left - 2);
}

}  // namespace

std::string draw_tape(const Tape& tape) {
  const std::vector<double> places = places_of(tape);
  size_t longest = 10, most = 1;
  for (const Tape::Step& step : tape.steps) {
    for (const std::string& line : parameter_lines(step)) longest = std::max(longest, line.size());
    most = std::max(most, step.kept);
  }
  const double bars = names_left + letter * static_cast<double>(longest) + 20;
  const double width = bars + bar_width + 80, height = places.back() + 24;
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0:.0f} {1:.0f}\" width=\"{0:.0f}\" "
      "height=\"{1:.0f}\">\n"
      "<style>{2}</style>\n<defs><marker id=\"tip\" markerWidth=\"8\" markerHeight=\"8\" refX=\"6\" "
      "refY=\"4\" orient=\"auto\">"
      "<path d=\"M0 0L8 4L0 8z\" fill=\"#1f5fa8\"/></marker></defs>\n"
      "<rect width=\"{0:.0f}\" height=\"{1:.0f}\" fill=\"white\"/>\n",
      width, height, style);
  svg += label("op", box_left, 30, "op and its result");
  svg += label("op", names_left, 30, "parameters");
  svg += label("op", bars, 30, fmt::format("kept: {}", byte_text(tape.kept())));
  for (size_t i = 0; i < tape.steps.size(); ++i) {
    const Tape::Step& step = tape.steps[i];
    const double y = places[i];
    svg += fmt::format(
        "<rect class=\"box\" x=\"{:.0f}\" y=\"{:.0f}\" width=\"{:.0f}\" height=\"{:.0f}\" rx=\"5\"/>\n",
        box_left, y, box_width, box_height);
    svg += label("op", box_left + 10, y + 17, fmt::format("{}  {}", i + 1, step.op));
    svg += label("small", box_left + 10, y + 33, fmt::format("{} {}", step.shape, name_of(step.dtype)));
    double line = y + 14;
    for (const std::string& name : parameter_lines(step)) {
      svg += label("", names_left, line, name);
      line += line_height;
    }
    if (step.kept > 0) {
      const double length =
          std::max(1.0, bar_width * static_cast<double>(step.kept) / static_cast<double>(most));
      svg += fmt::format("<rect class=\"bar\" x=\"{:.0f}\" y=\"{:.0f}\" width=\"{:.0f}\" height=\"12\"/>\n",
                         bars, y + 4, length);
      svg += label("small", bars + length + 6, y + 14, byte_text(step.kept));
    }
    std::vector<size_t> drawn;  // an input that an op has twice has one arrow
    for (const Tape::Input& input : step.inputs) {
      if (input.parameter || std::find(drawn.begin(), drawn.end(), input.step) != drawn.end()) continue;
      drawn.push_back(input.step);
      svg += arrow(places, input.step, i);
    }
  }
  return svg + "</svg>\n";
}

}  // namespace gradus
