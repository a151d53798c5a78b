#include "tasks/ner/predict.h"

#include <nlohmann/json.hpp>

#include "data/basic_tokenizer.h"
#include "data/unicode.h"
#include "tasks/display_text.h"
#include "tasks/line_batches.h"
#include "tasks/log.h"

namespace gradus {
namespace {

// An ANSI colour for each type, the same one every time.
int colour_of(const std::string& type) {
  int sum = 0;
  for (const char c : type) sum += static_cast<unsigned char>(c);
  return 31 + sum % 6;  // red to cyan
}

int64_t characters_before(const std::string& text, size_t byte) {
  return static_cast<int64_t>(split_characters(std::string_view(text).substr(0, byte)).size());
}

// Ideographs take two columns of a terminal.
bool is_wide(std::string_view character) { return text_width(character) > 1; }

// Whether a blank stands between two words.
bool are_apart(std::string_view before, std::string_view after) {
  return !before.empty() && !after.empty() && !is_wide(split_characters(before).back()) &&
         !is_wide(split_characters(after).front());
}

}  // namespace

TextWords split_words(const std::string& text, bool characters) {
  TextWords result;
  const auto add = [&](size_t begin, size_t end) {
    result.words.push_back(text.substr(begin, end - begin));
    result.places.emplace_back(begin, end);
  };
  if (characters) {
    size_t begin = 0;
    for (const std::string_view character : split_characters(text)) {
      if (character != " " && character != "\t") add(begin, begin + character.size());
      begin += character.size();
    }
    return result;
  }
  // The words of BERT's basic tokenizer, with their case and accents: punctuation and ideographs stand alone.
  static const BasicTokenizer tokenizer({TokenizerRules::google, false});
  BasicWords words;
  tokenizer.split(text, words);
  for (const BasicWords::Word& word : words.words) {
    add(words.characters[word.begin].begin, words.characters[word.end - 1].end);
  }
  return result;
}

SentenceText join_words(const NerSentence& sentence, bool pieces) {
  SentenceText result{sentence.text, {sentence.words, {}}};
  size_t end = 0;  // of the word before
  std::string before;
  for (std::string word : sentence.words) {
    if (!sentence.text.empty()) {
      end = sentence.text.find(word, end) + word.size();
    } else {
      const bool goes_on = pieces && word.starts_with("##");
      if (goes_on) word.erase(0, 2);
      if (!goes_on && are_apart(before, word)) result.text += ' ';
      result.text += word;
      end = result.text.size();
    }
    result.words.places.emplace_back(end - word.size(), end);
    before = std::move(word);
  }
  return result;
}

std::string show_entities(const std::string& text, const TextWords& words, const LabelList& labels,
                          const TagReader& reader, const std::vector<int32_t>& tags, EntityStyle style) {
  std::vector<TagParts> parts;
  parts.reserve(tags.size());
  for (const int32_t id : tags) parts.push_back(reader.parts(labels.tag(id)));
  const std::vector<Entity> entities = reader.entities(parts);
  nlohmann::ordered_json json{{"text", text}, {"entities", nlohmann::ordered_json::array()}};
  std::string line;
  size_t done = 0;
  for (const Entity& entity : entities) {
    const size_t begin = words.places[static_cast<size_t>(entity.begin)].first;
    const size_t end = words.places[static_cast<size_t>(entity.end - 1)].second;
    const std::string mention = text.substr(begin, end - begin);
    if (style == EntityStyle::json) {
      json["entities"].push_back({{"type", entity.type},
                                  {"text", mention},
                                  {"begin", characters_before(text, begin)},
                                  {"end", characters_before(text, end)}});
      continue;
    }
    line += text.substr(done, begin - done);
    line += style == EntityStyle::plain ? fmt::format("[{}]({})", mention, entity.type)
                                        : fmt::format("\x1b[1;{}m{}\x1b[0m\x1b[2m {}\x1b[0m",
                                                      colour_of(entity.type), mention, entity.type);
    done = end;
  }
  return style == EntityStyle::json ? json.dump() : line + text.substr(done);
}

int predict_lines(const NerSystem& system, const NerTagger& tagger, const TagReader& reader, std::istream& in,
                  const std::string& name, EntityStyle style, std::FILE* out) {
  NerCounts counts;
  LineBatches batches(in, name);
  for (std::vector<std::string> lines; batches.next(lines);) {
    std::vector<TextWords> words;
    NerData data;
    data.path = name;
    data.labelled = false;
    for (size_t i = 0; i < lines.size(); ++i) {
      words.push_back(split_words(lines[i], system.settings().characters));
      NerSentence sentence;
      sentence.words = words.back().words;
      sentence.lines.assign(sentence.words.size(), batches.number(i));
      data.sentences.push_back(std::move(sentence));
    }
    const std::vector<std::vector<int32_t>> tags = tagger.predict(data, counts);
    for (size_t i = 0; i < lines.size(); ++i) {
      const bool good = batches.fault(i).empty();
      fmt::print(out, "{}\n",
                 good ? show_entities(lines[i], words[i], system.labels(), reader, tags[i], style)
                      : batches.error_line(i, style == EntityStyle::json));
    }
    flush_predictions(out);
  }
  if (counts.is_notable()) print_log(stderr, "{}: {}\n", name, counts.str());
  return batches.status(stderr);
}

}  // namespace gradus
