#include "data/squad_text.h"

#include <algorithm>
#include <filesystem>
#include <limits>
#include <optional>
#include <unordered_set>
#include <utility>

#include "core/counted.h"
#include "core/error.h"
#include "core/io/json.h"
#include "data/columns.h"
#include "data/squad_contexts.h"
#include "data/squad_table.h"
#include "data/text_file.h"
#include "data/unicode.h"
#include "data/unread_names.h"

namespace gradus {
namespace {

// A place in the file, for messages, spelt out only in these.
struct Place {
  const std::string& path;
  int64_t line = 0;           // of a file of lines
  const char* list = "data";  // what the list of articles is called
  size_t article = 0, paragraph = 0, question = 0;
  int depth = 0;  // how many of the three count

  std::string str() const {
    if (line > 0) return fmt::format("{}:{}", path, line);
    std::string text = path;
    if (depth > 0) text += fmt::format(": {}[{}]", list, article);
    if (depth > 1) text += fmt::format(".paragraphs[{}]", paragraph);
    if (depth > 2) text += fmt::format(".qas[{}]", question);
    return text;
  }
};

const Json& member(const Json& object, const char* name, const Place& place) {
  check(object.is_object(), "{}: expected an object, found {}", place.str(), object.type_name());
  const Json* found = object.find(name);
  check(found != nullptr, "{}: no \"{}\"", place.str(), name);
  return *found;
}

const Json& list(const Json& object, const char* name, const Place& place) {
  const Json& value = member(object, name, place);
  check(value.is_array(), "{}: \"{}\" is {}, expected a list", place.str(), name, value.type_name());
  return value;
}

const std::string& text_in(const Json& value, const char* name, const Place& place) {
  check(value.is_string(), "{}: \"{}\" is {}, expected a text", place.str(), name, value.type_name());
  return value.text();
}

const std::string& text(const Json& object, const char* name, const Place& place) {
  return text_in(member(object, name, place), name, place);
}

bool is_row(const Json& object) { return object.contains("question") && object.contains("context"); }

// Whether a file begins with an object that has a "question" or a "context" of its own, not deeper in it: a line for
// each question then.
bool begins_with_row(std::string_view text) {
  int depth = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '{' || text[i] == '[') ++depth;
    if (text[i] == '}' || text[i] == ']') --depth;
    if (depth == 0 && i > 0) return false;
    if (text[i] != '"') continue;
    const size_t begin = ++i;
    while (i < text.size() && text[i] != '"') i += text[i] == '\\' ? 2 : 1;
    if (depth != 1 || i >= text.size()) continue;
    const std::string_view name = text.substr(begin, i - begin);
    if (name == "data") return false;
    if (name == "question" || name == "context") return true;
  }
  return false;
}

constexpr std::string_view blanks = " \t\r\n";

// The character that is not blank behind the first `pos`; 0 without one.
char next_character(std::string_view text, size_t& pos) {
  pos = text.find_first_not_of(blanks, pos);
  return pos == std::string_view::npos ? '\0' : text[pos++];
}

// What a file of questions is.
enum class SquadForm : uint8_t { articles, list, lines, table };

// `text`: its beginning. An empty file is one of articles, of which there is none.
SquadForm form_of(std::string_view text) {
  size_t pos = 0;
  switch (next_character(text, pos)) {
    case '{':
      return begins_with_row(text.substr(pos - 1)) ? SquadForm::lines : SquadForm::articles;
    case '[':
      return SquadForm::list;
    case '\0':
      return SquadForm::articles;
    default:
      return SquadForm::table;
  }
}

// The place that an "answer_start" names, -1 where it does not say where the answer is.
int64_t start_in(const Json& value, int64_t length) {
  std::optional<int64_t> start;
  if (const std::optional<int64_t> whole = value.whole()) start = *whole;
  if (value.is_string()) start = whole_number(value.text());
  return start && *start >= 0 && *start < length ? *start : -1;
}

// Paragraphs are taken out of the JSON as they end, and what is left of articles then.
class Reader {
 public:
  Reader(const std::string& path, bool keep_rows, int64_t most_bytes,
         const std::function<void(SquadData&)>& use)
      : path_(path), keep_rows_(keep_rows), most_bytes_(most_bytes), use_(use), place_{path_} {
    data_.path = path;
  }

  std::vector<std::string> run() {
    PieceReader file(path_);
    const std::string_view first = file.next();
    const SquadForm form = form_of(first);
    if (form == SquadForm::lines || form == SquadForm::table)
      check(std::filesystem::is_regular_file(path_), "{}: {}: expected a file, not a pipe", path_,
            form == SquadForm::table ? "no JSON, and taken for CSV" : "a line for each question");
    if (form == SquadForm::table) return read_squad_table(path_, keep_rows_, most_bytes_, use_);
    if (form == SquadForm::lines) read_lines();
    else read_articles(first, file, form == SquadForm::list);
    hand_over();
    check(has_question_, "{}: no question", path_);
    std::vector<std::string> notes;
    if (std::string note = unread_.note(); !note.empty()) notes.push_back(std::move(note));
    const auto add = [&](int64_t count, std::string_view one, std::string_view many) {
      if (count > 0) notes.push_back(counted(count, one, many));
    };
    add(number_ids_, "id is a number, taken as its digits", "ids are numbers, taken as their digits");
    add(answered_impossible_, "question that can't be answered has answers, which are left out",
        "questions that can't be answered have answers, which are left out");
    add(placeless_, "answer without a place in the text: it is looked for",
        "answers without a place in the text: they are looked for");
    add(unasked_, "text without a question is left out", "texts without a question are left out");
    return notes;
  }

 private:
  // `first` is the piece that was read already: a pipe can't be read twice. The articles are the file, or its "data".
  void read_articles(std::string_view first, PieceReader& file, bool is_list) {
    bool begun = false;
    const auto next = [&] { return std::exchange(begun, true) ? file.next() : first; };
    const size_t depth = is_list ? 1 : 2;
    if (is_list) place_.list = "";
    const Json root = parse_json(next, path_, [&](std::span<const std::string> path, Json& object) {
      if (path.size() <= depth || !(is_list || path[1] == "data")) return false;
      if (path.size() == depth + 3 && path[depth + 1] == "paragraphs") return take_paragraph(object);
      return path.size() == depth + 1 && take_article(object);
    });
    place_.depth = 0;
    check_all_taken(is_list ? root : list(root, "data", place_));
    if (!is_list) unread_.look_at(root, {"data", "version"});
  }

  void read_lines() {
    LineReader lines(path_);
    for (std::string_view line; lines.next(line);) {
      if (trimmed(line).empty()) continue;
      place_.line = lines.line_number();
      add_row(parse_json(line, lines.where()), line);
      if (bytes_ >= most_bytes_) hand_over();
    }
  }

  // A question with its context beside it. `line`: its text, where it has a line.
  void add_row(const Json& row, std::string_view line) {
    const std::string& context = text(row, "context", place_);
    const size_t before = data_.contexts.size();
    const int32_t number = contexts_.place(context, data_.contexts);
    if (data_.contexts.size() > before) bytes_ += static_cast<int64_t>(context.size());
    length_ = count_characters(context);
    add_question(row, number);
    if (keep_rows_)
      data_.rows.push_back({data_.questions.size() - 1, place_.str(),
                            line.empty() ? json_text(row) : std::string(trimmed(line))});
  }

  bool take_paragraph(const Json& paragraph) {
    place_.depth = 2;
    add_paragraph(paragraph);
    ++place_.paragraph;
    if (bytes_ >= most_bytes_) hand_over();
    return true;
  }

  bool take_article(const Json& article) {
    place_.depth = 1;
    if (is_row(article)) {
      add_row(article, "");
      if (bytes_ >= most_bytes_) hand_over();
    } else {
      check_all_taken(list(article, "paragraphs", place_));
      unread_.look_at(article, {"paragraphs", "title"});
    }
    ++place_.article;
    place_.paragraph = 0;
    return true;
  }

  // What is left of a list of objects is something else.
  void check_all_taken(const Json& left) const {
    check(left.empty(), "{}: expected a list of objects, found {} in it", place_.str(),
          left.empty() ? "" : left[0].type_name());
  }

  void hand_over() {
    has_question_ = has_question_ || !data_.questions.empty();
    if (!data_.questions.empty()) use_(data_);
    data_ = {path_, {}, {}, false, {}};
    contexts_.clear();
    bytes_ = 0;
  }

  void add_paragraph(const Json& paragraph) {
    const std::string& context = text(paragraph, "context", place_);
    const auto number = static_cast<int32_t>(data_.contexts.size());
    data_.contexts.push_back(context);
    bytes_ += static_cast<int64_t>(context.size());
    length_ = count_characters(context);
    unread_.look_at(paragraph, {"context", "qas"});
    const Json& questions = list(paragraph, "qas", place_);
    for (place_.question = 0; place_.question < questions.size(); ++place_.question) {
      place_.depth = 3;
      add_question(questions[place_.question], number);
    }
    unasked_ += questions.empty() ? 1 : 0;
  }

  void add_question(const Json& qa, int32_t context) {
    SquadQuestion question;
    question.id = id_of(qa);
    check(ids_.insert(question.id).second, "{}: the id '{}' occurs twice", place_.str(), question.id);
    question.text = text(qa, "question", place_);
    bytes_ += static_cast<int64_t>(question.text.size());
    question.context = context;
    if (const Json* impossible = qa.find("is_impossible"); impossible != nullptr && !impossible->is_null()) {
      question.is_impossible = truth_of(*impossible);
      data_.has_impossible = true;
    }
    if (const Json* answers = qa.find("answers"); answers != nullptr && !answers->is_null()) {
      if (answers->is_object()) add_answer_lists(*answers, question);
      else
        for (const Json& answer : list(qa, "answers", place_).items()) add_answer_object(answer, question);
    }
    if (question.is_impossible) {
      // Some files give an empty one for none.
      const auto is_some = [](const SquadAnswer& answer) { return !answer.text.empty(); };
      answered_impossible_ += std::ranges::any_of(question.answers, is_some) ? 1 : 0;
      question.answers.clear();
    }
    unread_.look_at(qa, {"id", "question", "answers", "is_impossible", "context", "title"});
    data_.questions.push_back(std::move(question));
  }

  std::string id_of(const Json& qa) {
    const Json& id = member(qa, "id", place_);
    if (!id.is_integer()) return text(qa, "id", place_);
    ++number_ids_;
    return json_text(id);
  }

  bool truth_of(const Json& value) const {
    if (value.is_boolean()) return value.boolean();
    const std::string written = value.is_string() ? value.text() : json_text(value);
    const bool yes = is_column_name(written, {"true", "1"});
    check(yes || is_column_name(written, {"false", "0"}),
          "{}: \"is_impossible\" is {}, expected true or false", place_.str(), json_text(value));
    return yes;
  }

  void add_answer(const std::string& wanted, int64_t start, SquadQuestion& question) {
    question.answers.push_back({wanted, start});
    placeless_ += start < 0 && !question.is_impossible ? 1 : 0;
  }

  void add_answer_object(const Json& answer, SquadQuestion& question) {
    const std::string& wanted = text(answer, "text", place_);
    const Json* start = answer.find("answer_start");
    add_answer(wanted, start == nullptr ? -1 : start_in(*start, length_), question);
    unread_.look_at(answer, {"text", "answer_start"});
  }

  // {"text": [...], "answer_start": [...]}: empty lists say that there is no answer.
  void add_answer_lists(const Json& answers, SquadQuestion& question) {
    const Json& texts = list(answers, "text", place_);
    const Json none = Json::array();
    const Json& starts = answers.contains("answer_start") ? list(answers, "answer_start", place_) : none;
    check(starts.empty() || starts.size() == texts.size(),
          "{}: {} answers, but {} numbers in \"answer_start\"", place_.str(), texts.size(), starts.size());
    for (size_t i = 0; i < texts.size(); ++i)
      add_answer(text_in(texts[i], "text", place_), starts.empty() ? -1 : start_in(starts[i], length_),
                 question);
    if (!texts.empty()) return;
    question.is_impossible = data_.has_impossible = true;
  }

  const std::string path_;
  const bool keep_rows_;
  int64_t most_bytes_;
  const std::function<void(SquadData&)>& use_;
  SquadData data_;
  SquadContexts contexts_;  // of rows
  int64_t bytes_ = 0;       // of the text in data_
  bool has_question_ = false;
  Place place_;
  int64_t length_ = 0;  // of the paragraph's context, in characters
  std::unordered_set<std::string> ids_;
  UnreadNames unread_;
  int64_t number_ids_ = 0, answered_impossible_ = 0, placeless_ = 0, unasked_ = 0;
};

}  // namespace

std::string SquadData::where(size_t question) const {
  return fmt::format("{}: question '{}'", path, questions.at(question).id);
}

std::string SquadData::log() const {
  constexpr size_t most_bytes = 100;
  std::string log;
  for (const std::string& note : notes) log += fmt::format("{}: {}\n", path, note);
  if (questions.empty()) return log;
  const SquadQuestion& first = questions.front();
  log += fmt::format("{}: first question: '{}' about '{}'", path, shown(first.text, most_bytes),
                     shown(contexts[static_cast<size_t>(first.context)], most_bytes));
  if (first.is_impossible) log += ", not answered there";
  if (!first.answers.empty())
    log += fmt::format(", answer '{}'", shown(first.answers.front().text, most_bytes));
  return log + "\n";
}

SquadData read_squad(const std::string& path, bool keep_rows) {
  SquadData whole;
  std::vector<std::string> notes =
      Reader(path, keep_rows, std::numeric_limits<int64_t>::max(), [&](SquadData& data) {
        whole = std::move(data);
      }).run();
  whole.notes = std::move(notes);
  return whole;
}

std::vector<std::string> read_squad(const std::string& path, int64_t most_bytes,
                                    const std::function<void(SquadData&)>& use) {
  return Reader(path, false, most_bytes, use).run();
}

bool is_squad_file(const std::string& path) {
  if (path == "-" || !std::filesystem::is_regular_file(path)) return false;
  PieceReader reader(path);
  return begins_as_squad(reader.next());
}

bool begins_as_squad(std::string_view text) {
  size_t pos = 0;
  const char first = next_character(text, pos);
  return first == '{' || (first == '[' && next_character(text, pos) == '{') || begins_with_squad_header(text);
}

}  // namespace gradus
