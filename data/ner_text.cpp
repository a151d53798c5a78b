#include "data/ner_text.h"

#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <utility>

#include "core/checked_json.h"
#include "core/error.h"
#include "data/text_file.h"
#include "data/unicode.h"

namespace gradus {

namespace {

using Json = nlohmann::ordered_json;  // in the file's order: of overlapping mentions the last one counts

constexpr std::string_view blanks = " \t";

// "{ O" is the character '{' with its tag; "{" followed by anything else opens a JSON object.
bool looks_like_json(std::string_view line) {
  const size_t brace = line.find_first_not_of(blanks);
  if (brace == std::string_view::npos || line[brace] != '{') return false;
  const size_t next = line.find_first_not_of(blanks, brace + 1);
  return next == brace + 1 || next == std::string_view::npos || line[next] == '"' || line[next] == '}';
}

int64_t count_columns(std::string_view line) {
  int64_t columns = 0;
  for (size_t i = 0; i < line.size(); ++i) {
    const bool blank = blanks.find(line[i]) != std::string_view::npos;
    const bool after_blank = i == 0 || blanks.find(line[i - 1]) != std::string_view::npos;
    if (!blank && after_blank) ++columns;
  }
  return columns;
}

class ColumnParser {
 public:
  ColumnParser(NerData& data, NerTags tags) : data_(data), tags_(tags) {}

  void line(const LineReader& reader, std::string_view line) {
    const size_t word_begin = line.find_first_not_of(blanks);
    if (word_begin == std::string_view::npos) return end_sentence();
    check(word_begin == 0, "{}: found a blank at the start of '{}': expected a word there", reader.where(),
          line);
    const std::string_view word = line.substr(0, line.find_first_of(blanks));
    if (word == "-DOCSTART-") return end_sentence();
    const size_t tag_end = line.find_last_not_of(blanks) + 1;
    const bool tagged = tag_end > word.size();
    const int64_t columns = count_columns(line);
    if (!first_line_seen_) columns_ = columns;
    if (!first_line_seen_) data_.labelled = tagged;
    first_line_seen_ = true;
    check(tagged || tags_ == NerTags::optional, "{}: found only the word '{}': expected a word and its tag",
          reader.where(), word);
    check(tagged == data_.labelled,
          "{}: '{}' has {}, unlike the lines before: expected all words to have tags or none", reader.where(),
          word, tagged ? "a tag" : "no tag");
    check(columns == columns_, "{}: found {} columns in '{}', the first line with a word has {}",
          reader.where(), columns, line, columns_);
    sentence_.words.emplace_back(word);
    sentence_.lines.push_back(reader.line_number());
    if (tagged) {
      const size_t tag_begin = line.find_last_of(blanks, tag_end - 1) + 1;
      sentence_.tags.emplace_back(line.substr(tag_begin, tag_end - tag_begin));
    }
  }

  void end_sentence() {
    if (!sentence_.words.empty()) data_.sentences.push_back(std::move(sentence_));
    sentence_ = {};
  }

 private:
  NerData& data_;
  NerTags tags_;
  NerSentence sentence_;
  bool first_line_seen_ = false;
  int64_t columns_ = 0;  // of the first line with a word
};

// One row of JSON lines.
class JsonRow {
 public:
  JsonRow(const LineReader& reader, std::string_view line)
      : where_(reader.where()), row_(parse_ordered_json(line, where_)) {
    check(row_.is_object(), "{}: found a JSON {}: expected an object with \"text\"", where_,
          row_.type_name());
    check(row_.contains("text") && row_["text"].is_string(), "{}: the row has no string \"text\"", where_);
    sentence_.text = row_["text"].get<std::string>();
    check(!sentence_.text.empty(), "{}: \"text\" is empty", where_);
    for (const std::string_view character : split_characters(sentence_.text)) {
      sentence_.words.emplace_back(character);
    }
    sentence_.lines.assign(sentence_.words.size(), reader.line_number());
  }

  bool labelled() const { return row_.contains("label"); }

  // Turns the mentions into tags. Returns how many mentions replaced tags of another.
  int64_t tag() {
    int64_t overlapping = 0;
    sentence_.tags.assign(sentence_.words.size(), "O");
    for (const auto& [type, mentions] : object(row_["label"], "\"label\"").items()) {
      for (const auto& [mention, spans] : object(mentions, type).items()) {
        check(spans.is_array(), "{}: '{}' of {} has {}: expected a list of [start, end]", where_, mention,
              type, spans.dump());
        for (const Json& span : spans) overlapping += tag_span(type, mention, span) ? 1 : 0;
      }
    }
    return overlapping;
  }

  NerSentence take() { return std::move(sentence_); }

 private:
  const Json& object(const Json& value, std::string_view name) const {
    check(value.is_object(), "{}: {} is a JSON {}: expected an object", where_, name, value.type_name());
    return value;
  }

  bool tag_span(const std::string& type, const std::string& mention, const Json& span) {
    const bool is_pair =
        span.is_array() && span.size() == 2 && span[0].is_number_integer() && span[1].is_number_integer();
    check(is_pair, "{}: '{}' of {} has the offsets {}: expected [start, end]", where_, mention, type,
          span.dump());
    const auto begin = span[0].get<int64_t>();
    const auto last = span[1].get<int64_t>();
    const auto size = static_cast<int64_t>(sentence_.words.size());
    check(0 <= begin && begin <= last && last < size,
          "{}: '{}' of {} has the offsets {}: expected 0 <= start <= end < {}, the length of the text",
          where_, mention, type, span.dump(), size);
    std::string found;
    for (int64_t i = begin; i <= last; ++i) found += sentence_.words[i];
    check(found == mention, "{}: found '{}' at the offsets {}: expected the mention '{}' of {}", where_,
          found, span.dump(), mention, type);
    bool overlaps = false;
    for (int64_t i = begin; i <= last; ++i) {
      const char* prefix = begin == last ? "S-" : i == begin ? "B-" : i == last ? "E-" : "M-";
      overlaps |= sentence_.tags[i] != "O";
      sentence_.tags[i] = prefix + type;
    }
    return overlaps;
  }

  std::string where_;
  Json row_;
  NerSentence sentence_;
};

void add_json_row(const LineReader& reader, std::string_view line, NerTags tags, NerData& data) {
  JsonRow row(reader, line);
  const bool labelled = row.labelled();
  if (data.sentences.empty()) data.labelled = labelled;
  check(labelled || tags == NerTags::optional, "{}: the row has no \"label\"", reader.where());
  check(labelled == data.labelled,
        "{}: the row has {} \"label\", unlike the rows before: expected all rows to have one or none",
        reader.where(), labelled ? "a" : "no");
  if (labelled) data.overlapping_mentions += row.tag();
  data.sentences.push_back(row.take());
}

}  // namespace

std::string NerData::where(size_t sentence, size_t word) const {
  return fmt::format("{}:{}{}", path, records ? " record " : "", sentences[sentence].lines[word]);
}

std::set<std::string> NerData::tags() const {
  std::set<std::string> result;
  for (const NerSentence& sentence : sentences) result.insert(sentence.tags.begin(), sentence.tags.end());
  return result;
}

NerData read_ner(const std::string& path, NerTags tags) {
  NerData data;
  data.path = path;
  LineReader reader(path);
  ColumnParser columns(data, tags);
  std::optional<bool> is_json;
  for (std::string_view line; reader.next(line);) {
    const bool is_blank = line.find_first_not_of(blanks) == std::string_view::npos;
    if (!is_json && !is_blank) is_json = looks_like_json(line);
    if (!is_json.value_or(false)) {
      columns.line(reader, line);
    } else if (!is_blank) {
      add_json_row(reader, line, tags, data);
    }
  }
  columns.end_sentence();
  check(!data.sentences.empty(), "{}: no sentence found: expected word and tag columns, or JSON lines", path);
  return data;
}

int64_t merge_until_full_stop(NerData& data) {
  std::vector<NerSentence> merged;
  NerSentence open;
  const auto append = [](auto& to, auto& from) {
    to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
  };
  for (NerSentence& sentence : data.sentences) {
    append(open.words, sentence.words);
    append(open.tags, sentence.tags);
    append(open.lines, sentence.lines);
    open.text += sentence.text;
    if (open.words.back() == ".") merged.push_back(std::exchange(open, {}));
  }
  data.sentences = std::move(merged);
  return static_cast<int64_t>(open.words.size());
}

}  // namespace gradus
