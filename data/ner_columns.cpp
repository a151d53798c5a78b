#include "data/ner_columns.h"

#include <algorithm>
#include <utility>

#include "core/counted.h"
#include "core/error.h"
#include "data/unicode.h"

namespace gradus {
namespace {

constexpr size_t most_ahead_lines = 20000;  // where no blank line ends a sentence
constexpr size_t most_shown = 80;           // bytes of a line, in messages
constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

bool is_plain(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c > ' ' && c < 0x7F) || c == ' ' || c == '\t'; });
}

// Files that were joined have a byte order mark within. One that stands alone is a word.
std::string_view without_mark(std::string_view line) {
  const bool has_mark =
      line.starts_with(byte_order_mark) && line.find_first_of(" \t") > byte_order_mark.size();
  return has_mark ? line.substr(byte_order_mark.size()) : line;
}

// What to say of a line whose columns are not as expected.
std::string hint(std::string_view line) {
  const std::string odd = find_odd_blank(line, true);
  return odd.empty() ? "" : fmt::format("; {} in it parts no columns: expected spaces or tabs", odd);
}

}  // namespace

NerColumnReader::NerColumnReader(LineReader& lines, NerTags tags, NerColumns columns, int64_t most_ahead)
    : lines_(lines), tags_(tags), columns_(std::move(columns)), most_ahead_(most_ahead) {}

std::string NerColumnReader::where() const { return fmt::format("{}:{}", lines_.path(), line_number_); }

void NerColumnReader::read_ahead() {
  int64_t sentences = 0;
  bool open = false;
  std::string_view line;
  while (sentences < most_ahead_ && ahead_.size() < most_ahead_lines && lines_.next(line)) {
    line = without_mark(line);
    ahead_.push_back({lines_.line_number(), std::string(line)});
    const bool ends = ends_sentence(line);
    sentences += open && ends ? 1 : 0;
    open = !ends;
  }
  form_ = find_ner_column_form(ahead_, tags_, columns_, lines_.path());
}

bool NerColumnReader::next_line(std::string_view& line) {
  if (next_ahead_ < ahead_.size()) {
    const NumberedLine& from = ahead_[next_ahead_++];
    line = from.text;
    line_number_ = from.number;
    return true;
  }
  if (!lines_.next(line)) return false;
  line = without_mark(line);
  line_number_ = lines_.line_number();
  return true;
}

bool NerColumnReader::next(NerSentence& sentence) {
  if (!begun_) read_ahead();
  begun_ = true;
  sentence = {};
  for (std::string_view line; next_line(line);) {
    switch (form_.read_line(line_number_, line, sentence.words.empty(), fields_)) {
      case NerLine::end:
        if (!sentence.words.empty()) return true;
        break;
      case NerLine::header:
        break;
      case NerLine::comment:
        if (comments_++ == 0)
          first_comment_ = fmt::format("line {}: {}", line_number_, shown(line, most_shown));
        break;
      case NerLine::range:
        check_columns(line);
        if (ranges_++ == 0) first_range_ = fmt::format("line {}: {}", line_number_, shown(fields_.front()));
        break;
      case NerLine::word:
        check_columns(line);
        add_word(sentence);
        break;
    }
  }
  return !sentence.words.empty();
}

void NerColumnReader::add_word(NerSentence& sentence) {
  if (form_.first_number) check_number(fields_.front(), sentence);
  const std::string_view word = fields_[form_.text];
  // Every word comes by here: the text of its place is made for an error alone.
  if (word.empty()) fail("{}: no word in column {}", where(), form_.text + 1);
  sentence.words.emplace_back(word);
  sentence.lines.push_back(line_number_);
  if (!form_.label) return;
  const std::string_view tag = fields_[*form_.label];
  if (tag.empty()) fail("{}: no tag in column {}", where(), *form_.label + 1);
  if (!is_plain(tag)) {
    const std::string odd = find_odd_blank(tag);
    check(odd.empty(), "{}: found the tag '{}': expected none with the character {}", where(),
          shown(tag, most_shown), odd);
  }
  sentence.tags.emplace_back(tag);
}

void NerColumnReader::check_columns(std::string_view line) const {
  const auto quoted = [&] { return shown(line, most_shown); };  // for an error alone
  if (form_.separator == Separator::blanks && (line.front() == ' ' || line.front() == '\t'))
    fail("{}: found a blank at the start of '{}': expected a word there", where(), quoted());
  if (!is_plain(line)) {
    for (const std::string_view field : fields_) {
      for (size_t pos = 0; pos < field.size();) {
        const char32_t code = decode_utf8(field, pos);
        if (is_odd_line_end(code) && pos < field.size())
          fail("{}: found U+{:04X} in '{}': it ends no line here", where(), static_cast<uint32_t>(code),
               quoted());
      }
    }
  }
  if (fields_.size() == form_.count && fields_.size() > 1) return;
  if (fields_.size() == 1 && tags_ == NerTags::required)
    fail("{}: found only the word '{}': expected a word and its tag{}", where(),
         shown(fields_.front(), most_shown), hint(line));
  if ((fields_.size() == 1) != (form_.count == 1))
    fail("{}: '{}' has {}, unlike the lines before: expected all words to have tags or none{}", where(),
         shown(fields_.front(), most_shown), fields_.size() > 1 ? "a tag" : "no tag", hint(line));
  if (fields_.size() != form_.count)
    fail("{}: found {} columns in '{}', the first line with a word has {}{}", where(), fields_.size(),
         quoted(), form_.count, hint(line));
  // A column alone: what a no-break space parts, say, is a word and a tag to whoever looks at it.
  const std::string odd = is_plain(line) ? "" : find_odd_blank(line, true);
  if (!odd.empty()) {
    size_t after = line.size();
    while (after > 0 && (static_cast<unsigned char>(line[after - 1]) < 0x80) && line[after - 1] > ' ')
      --after;
    if (looks_like_tag(line.substr(after)))
      fail("{}: found '{}': {} in it parts no columns: expected spaces or tabs", where(), quoted(), odd);
  }
}

void NerColumnReader::check_number(std::string_view number, const NerSentence& sentence) const {
  const int64_t expected = *form_.first_number + static_cast<int64_t>(sentence.words.size());
  if (whole_number(number) != expected)
    fail("{}: column 1 counts the words of a sentence: found '{}', expected {}", where(),
         shown(number, most_shown), expected);
}

std::vector<std::string> NerColumnReader::notes() const {
  std::vector<std::string> notes;
  notes.push_back(form_.description() + "; --text_column and --label_column choose others");
  if (comments_ > 0)
    notes.push_back(
        fmt::format("{} taken for comments; {}", counted(comments_, "line is", "lines are"), first_comment_));
  if (ranges_ > 0)
    notes.push_back(fmt::format("{} left out; {}",
                                counted(ranges_, "line of a range or of a word not in the text is",
                                        "lines of ranges or of words not in the text are"),
                                first_range_));
  return notes;
}

}  // namespace gradus
