#include "tasks/ner/predict.h"

#include <algorithm>
#include <utility>

#include "core/counted.h"
#include "core/error.h"
#include "data/ner_lists.h"
#include "data/text_file.h"
#include "data/unicode.h"
#include "tasks/log/log.h"
#include "tasks/ner/tags.h"
#include "tasks/text/display_text.h"

namespace gradus {
namespace {

// An ANSI colour for each type, the same one every time.
int colour_of(const std::string& type) {
  int sum = 0;
  for (const char c : type) sum += static_cast<unsigned char>(c);
  return 31 + sum % 6;  // red to cyan
}

// Ideographs take two columns of a terminal.
bool is_wide(std::string_view character) { return text_width(character) > 1; }

// Whether a blank stands between two words.
bool are_apart(std::string_view before, std::string_view after) {
  return !before.empty() && !after.empty() && !is_wide(split_characters(before).back()) &&
         !is_wide(split_characters(after).front());
}

Json entities_json(const std::string& text, const TextWords& words, const std::vector<Entity>& entities) {
  Json json = Json::array();
  CharacterOffsets offsets(text);
  for (const Entity& entity : entities) {
    const auto [begin, end] = place_of(entity, words);
    const int64_t first = offsets.before(begin);
    json.push_back({{"type", entity.type},
                    {"text", text.substr(begin, end - begin)},
                    {"begin", first},
                    {"end", offsets.before(end)}});
  }
  return json;
}

// Of entities in words that came as a list: their offsets count words.
Json word_entities_json(const TextWords& words, const std::vector<Entity>& entities) {
  Json json = Json::array();
  for (const Entity& entity : entities) {
    NerSentence part;
    part.words.assign(words.words.begin() + entity.begin, words.words.begin() + entity.end);
    json.push_back({{"type", entity.type},
                    {"text", join_words(part, false).text},
                    {"begin", entity.begin},
                    {"end", entity.end}});
  }
  return json;
}

Json names_of(const NerSystem& system, const std::vector<int32_t>& tags) {
  Json names = Json::array();
  for (const int32_t id : tags) names.push_back(word_tag(system, id));
  return names;
}

std::vector<Entity> entities_of(const NerSystem& system, const TagReader& reader,
                                const std::vector<int32_t>& tags) {
  return reader.entities(parts_of(tags, system.labels(), reader));
}

}  // namespace

const std::string& word_tag(const NerSystem& system, int32_t id) {
  const LabelList& labels = system.labels();
  const LabelProtocol protocol = system.protocol();
  const bool has_others = protocol == LabelProtocol::x_pieces || protocol == LabelProtocol::x_pieces_no_sep;
  return labels.tag(has_others && is_protocol_label(labels.tag(id)) ? labels.outside_id() : id);
}

std::string sentence_json(const NerSystem& system, const TagReader& reader, const NerSentence& sentence,
                          const std::vector<int32_t>& tags) {
  const auto [text, words] = join_words(sentence, false);
  return json_text({{"text", text},
                    {"words", sentence.words},
                    {"tags", names_of(system, tags)},
                    {"entities", entities_json(text, words, entities_of(system, reader, tags))}});
}

std::pair<size_t, size_t> place_of(const Entity& entity, const TextWords& words) {
  return {words.places[static_cast<size_t>(entity.begin)].first,
          words.places[static_cast<size_t>(entity.end - 1)].second};
}

std::string shown_type(const Entity& entity) { return entity.type.empty() ? "name" : entity.type; }

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
  const std::vector<Entity> entities = reader.entities(parts_of(tags, labels, reader));
  if (style == EntityStyle::json)
    return json_text(Json{{"text", text}, {"entities", entities_json(text, words, entities)}});
  std::string line;
  size_t done = 0;
  for (const Entity& entity : entities) {
    const auto [begin, end] = place_of(entity, words);
    const std::string mention = text.substr(begin, end - begin);
    const std::string type = shown_type(entity);
    line += text.substr(done, begin - done);
    line += style == EntityStyle::plain
                ? fmt::format("[{}]({})", mention, type)
                : fmt::format("\x1b[1;{}m{}\x1b[0m\x1b[2m {}\x1b[0m", colour_of(type), mention, type);
    done = end;
  }
  return line + text.substr(done);
}

int NerPredictor::run(std::istream& in, const std::string& name, std::optional<PredictForm> form) {
  LineBatches batches(in, name);
  sentences_.path = name;
  sentences_.labelled = false;
  guesses_ = !form.has_value();
  for (std::vector<std::string> lines; batches.next(lines);) {
    if (!form) {
      const GuessedForm guess = guess_form(lines, system_.labels());
      form = guess.form;
      if (!guess.reason.empty())
        print_log(stderr, "{}: taken as {}, by '{}': --predict_form says it otherwise\n", name,
                  name_of(*guess.form), cut_text(guess.reason, 60));
    }
    if (form != PredictForm::columns) {
      write_lines(lines, batches, form.value_or(PredictForm::text));
    } else {
      if (!form_) find_columns(lines, batches);
      for (size_t i = 0; i < lines.size(); ++i) add_row(lines[i], i, batches);
      write_rows();
    }
    flush_predictions(out_);
  }
  end_sentence();
  write_rows();
  flush_predictions(out_);
  tell(name);
  if (counts_.is_notable()) print_log(stderr, "{}: {}\n", name, counts_.str());
  return batches.status(stderr);
}

// Lines say themselves whether blanks part all their words; a line that doesn't is cut as most lines are. So is one that
// says the contrary of nearly all others: a heading that ends in an abbreviation which the tagger never saw.
bool NerPredictor::is_parted(const std::string& line) const {
  constexpr int64_t nearly_all = 8;
  if (parted_ > nearly_all * (running_ + 1)) return true;
  if (running_ > nearly_all * (parted_ + 1)) return false;
  const LineForm own = form_of(line, rules_);
  return own == LineForm::unclear ? parted_ > running_ : own == LineForm::parted;
}

TextWords NerPredictor::cut(const std::string& line, PredictForm form, int64_t number) {
  if (form == PredictForm::words || rules_.cut == WordRules::Cut::characters)
    return cut_words(line, rules_, form == PredictForm::words);
  TextWords parted = cut_words(line, rules_, true), cut = cut_words(line, rules_);
  if (parted.places == cut.places) return cut;
  if (guesses_ && is_parted(line)) {
    if (lines_parted_++ == 0) first_parted_ = fmt::format("line {} '{}'", number, cut_text(line, 40));
    return parted;
  }
  if (cut_off_++ == 0) first_cut_ = fmt::format("line {} '{}'", number, cut_text(line, 40));
  return cut;
}

// What is to be tagged of a line. Throws Error on what is no line of the form.
NerPredictor::Item NerPredictor::item_of(std::string line, PredictForm form, int64_t number) {
  Item item;
  if (form != PredictForm::jsonl) {
    item.words = cut(line, form, number);
    item.text = std::move(line);
    return item;
  }
  if (trimmed(line).empty()) return item;
  item.row = parse_json(line, "JSON");
  check(item.row.is_object(), "a JSON {}, expected an object", item.row.type_name());
  if (const std::string name = listed_words(item.row, chosen_columns_); !name.empty()) {
    const Json& words = item.row[name];
    const bool are_strings = words.is_array() && std::ranges::all_of(words.items(), &Json::is_string);
    check(are_strings, "\"{}\" is no list of strings", name);
    item.words.words = words.get<std::vector<std::string>>();
    item.is_listed = true;
    return item;
  }
  if (const Json* text = item.row.find("text")) {
    check(text->is_string(), "\"text\" is a JSON {}, expected a string", text->type_name());
    item.text = text->text();
    item.words = cut(item.text, PredictForm::text, number);
    return item;
  }
  fail("no \"text\", and no list \"words\" or \"tokens\"{}",
       chosen_columns_.text.is_given() ? ", nor one called " + chosen_columns_.text.text() : "");
}

std::string NerPredictor::answer(Item& item, const std::vector<int32_t>& tags) {
  if (item.row.is_null())
    return show_entities(item.text, item.words, system_.labels(), reader_, tags, style_);
  const std::vector<Entity> entities = entities_of(system_, reader_, tags);
  if (!item.is_listed) {
    item.row["entities"] = entities_json(item.text, item.words, entities);
  } else {
    replaced_ += item.row.contains("tags") ? 1 : 0;
    item.row["tags"] = names_of(system_, tags);
    item.row["entities"] = word_entities_json(item.words, entities);
  }
  return json_text(item.row);
}

void NerPredictor::write_lines(std::vector<std::string>& lines, LineBatches& batches, PredictForm form) {
  if (form == PredictForm::text && guesses_ && rules_.cut != WordRules::Cut::characters) {
    for (const std::string& line : lines) {
      const LineForm own = form_of(line, rules_);
      parted_ += own == LineForm::parted ? 1 : 0;
      running_ += own == LineForm::running ? 1 : 0;
    }
  }
  NerData data;
  data.path = batches.name();
  data.labelled = false;
  std::vector<Item> items(lines.size());
  for (size_t i = 0; i < lines.size(); ++i) {
    try {
      if (batches.fault(i).empty()) items[i] = item_of(std::move(lines[i]), form, batches.number(i));
    } catch (const Error& error) {
      batches.refuse(i, error.what());
    }
    NerSentence& sentence = data.sentences.emplace_back();
    sentence.words = items[i].words.words;
    sentence.lines.assign(sentence.words.size(), batches.number(i));
  }
  const std::vector<std::vector<int32_t>> tags = tagger_.predict(data, counts_);
  const bool json = style_ == EntityStyle::json || form == PredictForm::jsonl;
  for (size_t i = 0; i < items.size(); ++i)
    fmt::print(out_, "{}\n",
               batches.fault(i).empty() ? answer(items[i], tags[i]) : batches.error_line(i, json));
}

// Of the first lines; those of blanks alone leave it to the next.
void NerPredictor::find_columns(const std::vector<std::string>& lines, const LineBatches& batches) {
  std::vector<NumberedLine> numbered;
  for (size_t i = 0; i < lines.size(); ++i) {
    if (batches.fault(i).empty()) numbered.push_back({batches.number(i), lines[i]});
  }
  if (std::ranges::all_of(numbered, [](const NumberedLine& line) { return ends_sentence(line.text); }))
    return;
  form_ = find_ner_column_form(numbered, NerTags::optional, chosen_columns_, batches.name());
}

void NerPredictor::add_row(const std::string& line, size_t index, LineBatches& batches) {
  Row row{line};
  if (batches.fault(index).empty()) {
    std::vector<std::string_view> fields;
    const bool begins = open_.words.empty();
    // Without a form there has been no line with a word yet.
    const NerLine kind = form_ ? form_->read_line(batches.number(index), line, begins, fields) : NerLine::end;
    if (kind == NerLine::end) {
      end_sentence();
      row.is_document = !trimmed(line).empty();
    } else if (kind == NerLine::word) {
      if (fields.size() != form_->count) {
        batches.refuse(index, fmt::format("{} columns, expected {}", fields.size(), form_->count));
      } else {
        row.sentence = answered_ + std::ssize(sentences_.sentences);
        row.word = open_.words.size();
        open_.words.emplace_back(fields[form_->text]);
        open_.lines.push_back(batches.number(index));
      }
    }
  }
  if (!batches.fault(index).empty()) row.error = batches.error_line(index, style_ == EntityStyle::json);
  rows_.push_back(std::move(row));
}

void NerPredictor::end_sentence() {
  if (open_.words.empty()) return;
  sentences_.sentences.push_back(std::exchange(open_, {}));
}

// Answers the rows of the sentences that are complete.
void NerPredictor::write_rows() {
  const std::vector<std::vector<int32_t>> tags = tagger_.predict(sentences_, counts_);
  const int64_t complete = answered_ + std::ssize(sentences_.sentences);
  size_t done = 0;
  for (; done < rows_.size() && rows_[done].sentence < complete; ++done) {
    const Row& row = rows_[done];
    if (!row.error.empty()) fmt::print(out_, "{}\n", row.error);
    else if (style_ == EntityStyle::json) write_sentence(row, tags);
    else fmt::print(out_, "{}\n", with_tag(row, tags));
  }
  rows_.erase(rows_.begin(), rows_.begin() + static_cast<ptrdiff_t>(done));
  sentences_.sentences.clear();
  answered_ = complete;
}

// The row and one column more, parted from it as its own columns are. -DOCSTART- is outside all names.
std::string NerPredictor::with_tag(const Row& row, const std::vector<std::vector<int32_t>>& tags) const {
  if (row.sentence < 0 && !row.is_document) return row.line;
  const int32_t tag = row.is_document ? system_.labels().outside_id()
                                      : tags[static_cast<size_t>(row.sentence - answered_)][row.word];
  return fmt::format("{}{}{}", row.line, row.line.find('\t') == std::string::npos ? ' ' : '\t',
                     word_tag(system_, tag));
}

// At the last word of a sentence, the sentence.
void NerPredictor::write_sentence(const Row& row, const std::vector<std::vector<int32_t>>& tags) const {
  if (row.sentence < 0) return;
  const auto index = static_cast<size_t>(row.sentence - answered_);
  const NerSentence& sentence = sentences_.sentences[index];
  if (row.word + 1 < sentence.words.size()) return;
  fmt::print(out_, "{}\n", sentence_json(system_, reader_, sentence, tags[index]));
}

// Where text could be cut in two ways, and the tagger's own words don't decide it.
void NerPredictor::tell(const std::string& name) const {
  const bool is_known = system_.settings().word_rules && rules_.cut == WordRules::Cut::reference;
  if (replaced_ > 0)
    print_log(stderr, "{}: {} \"tags\" of their own, which the predicted ones replace\n", name,
              counted(replaced_, "object has", "objects have"));
  std::string text;
  if (lines_parted_ > 0)
    text += fmt::format(", at blanks alone {}, the first {}",
                        counted(lines_parted_, "line that looks as if these parted all words",
                                "lines that look as if these parted all words"),
                        first_parted_);
  if (cut_off_ > 0 && !is_known)
    text +=
        fmt::format(", at marks beside words too {}, the first {}", counted(cut_off_, "line"), first_cut_);
  if (text.empty()) return;
  print_log(stderr, "{}: cut into words{}: --predict_form words, or text, says it otherwise\n", name, text);
  if (!system_.settings().word_rules)
    print_log(stderr, "{}: the tagger doesn't say how its words were cut: taken by the reference's rules\n",
              name);
}

}  // namespace gradus
