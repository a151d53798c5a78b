#include "tasks/report/marked_text.h"

#include <algorithm>

#include "core/error.h"
#include "data/unicode.h"

namespace gradus {
namespace {

using Spans = std::vector<TextSpan>;
using Characters = std::vector<std::string_view>;

constexpr size_t longest_word = 20;  // characters that a cut is moved by, to fall between words

// The runs of bytes that spans cover, in order. Spans that touch without overlapping are apart.
Spans covered(const Spans& gold, const Spans& predicted) {
  Spans all = gold, runs;
  all.insert(all.end(), predicted.begin(), predicted.end());
  std::ranges::sort(all, {}, &TextSpan::begin);
  for (const TextSpan& span : all) {
    if (span.begin == span.end) continue;
    if (runs.empty() || span.begin >= runs.back().end) runs.push_back({span.begin, span.end, ""});
    else runs.back().end = std::max(runs.back().end, span.end);
  }
  return runs;
}

// Spans in the order of their beginnings, from which those of one part after the other are taken.
class SpansInOrder {
 public:
  explicit SpansInOrder(Spans spans) : spans_(std::move(spans)) {
    std::erase_if(spans_, [](const TextSpan& span) { return span.begin == span.end; });
    std::ranges::stable_sort(spans_, {}, &TextSpan::begin);
  }

  // What the spans in a part of the text say of it; it lies behind the part before.
  std::string labels_in(const TextSpan& part, const std::string& text) {
    std::string labels;
    for (; next_ < spans_.size() && spans_[next_].begin < part.end; ++next_) {
      const TextSpan& span = spans_[next_];
      const bool whole = span.begin == part.begin && span.end == part.end;
      if (!labels.empty()) labels += ", ";
      labels += whole ? span.label
                      : fmt::format("{} “{}”", span.label, text.substr(span.begin, span.end - span.begin));
    }
    return labels;
  }

 private:
  Spans spans_;
  size_t next_ = 0;
};

std::string join(const Characters& characters, size_t begin, size_t end) {
  std::string text;
  for (size_t i = begin; i < end; ++i) text += characters[i];
  return text;
}

// The first characters, and the last ones: whole words where blanks tell them apart.
std::string head(const Characters& characters, size_t count) {
  size_t end = count;
  while (end > 0 && count - end < longest_word && characters[end] != " ") --end;
  if (end == 0 || characters[end] != " ") end = count;
  return join(characters, 0, end);
}

std::string tail(const Characters& characters, size_t count) {
  const size_t first = characters.size() - count;
  size_t begin = first;
  while (begin < characters.size() && begin - first < longest_word && characters[begin - 1] != " ") ++begin;
  if (begin == characters.size() || characters[begin - 1] != " ") begin = first;
  return join(characters, begin, characters.size());
}

bool is_marked(const ReportSegment& segment) { return !segment.gold.empty() || !segment.predicted.empty(); }

// `after`, `before`: whether the text follows a mark, and whether one follows the text.
std::string cut(const std::string& text, size_t characters, bool after, bool before) {
  const Characters all = split_characters(text);
  const size_t beside = characters + longest_word;
  if (all.size() <= (after == before ? 2 : 1) * beside) return text;
  const std::string first = before && !after ? "" : head(all, after ? characters : 2 * characters) + ' ';
  return fmt::format("{}…{}", first, before ? ' ' + tail(all, characters) : "");
}

}  // namespace

std::vector<ReportSegment> mark_text(const std::string& text, const Spans& gold, const Spans& predicted) {
  for (const Spans* spans : {&gold, &predicted}) {
    for (const TextSpan& span : *spans)
      check(span.begin <= span.end && span.end <= text.size(),
            "[report] bytes {} to {} are marked, the text has {}", span.begin, span.end, text.size());
  }
  std::vector<ReportSegment> segments;
  size_t done = 0;
  const auto add_plain = [&](size_t end) {
    if (end > done) segments.push_back({text.substr(done, end - done)});
    done = end;
  };
  SpansInOrder gold_spans(gold), predicted_spans(predicted);
  for (const TextSpan& part : covered(gold, predicted)) {
    add_plain(part.begin);
    segments.push_back({text.substr(part.begin, part.end - part.begin), gold_spans.labels_in(part, text),
                        predicted_spans.labels_in(part, text)});
    done = part.end;
  }
  add_plain(text.size());
  return segments;
}

std::vector<ReportSegment> shorten(std::vector<ReportSegment> segments, size_t characters) {
  for (size_t i = 0; i < segments.size(); ++i) {
    if (is_marked(segments[i])) continue;
    segments[i].text = cut(segments[i].text, characters, i > 0, i + 1 < segments.size());
  }
  return segments;
}

}  // namespace gradus
