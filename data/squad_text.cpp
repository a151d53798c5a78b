#include "data/squad_text.h"

#include <unordered_set>

#include "core/checked_json.h"
#include "core/error.h"
#include "data/text_file.h"

namespace gradus {
namespace {

using nlohmann::json;

std::string read_text(const std::string& path) {
  LineReader reader(path);
  std::string text;
  for (std::string_view line; reader.next(line);) {
    text += line;
    text += '\n';
  }
  return text;
}

// A place in the file, for messages, spelt out only in these.
struct Place {
  const std::string& path;
  size_t article = 0, paragraph = 0, question = 0;
  int depth = 0;  // how many of the three count

  std::string str() const {
    std::string text = path;
    if (depth > 0) text += fmt::format(": data[{}]", article);
    if (depth > 1) text += fmt::format(".paragraphs[{}]", paragraph);
    if (depth > 2) text += fmt::format(".qas[{}]", question);
    return text;
  }
};

const json& member(const json& object, const char* name, const Place& place) {
  check(object.is_object(), "{}: expected an object, found {}", place.str(), object.type_name());
  const auto found = object.find(name);
  check(found != object.end(), "{}: no \"{}\"", place.str(), name);
  return *found;
}

const json& list(const json& object, const char* name, const Place& place) {
  const json& value = member(object, name, place);
  check(value.is_array(), "{}: \"{}\" is {}, expected a list", place.str(), name, value.type_name());
  return value;
}

const std::string& text(const json& object, const char* name, const Place& place) {
  const json& value = member(object, name, place);
  check(value.is_string(), "{}: \"{}\" is {}, expected a text", place.str(), name, value.type_name());
  return value.get_ref<const std::string&>();
}

int64_t count_characters(std::string_view utf8) {
  int64_t count = 0;
  for (const char byte : utf8) count += (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U ? 1 : 0;
  return count;
}

class Reader {
 public:
  explicit Reader(SquadData& data) : data_(data), place_{data.path} {}

  void run() {
    const json root = parse_json(read_text(data_.path), data_.path);
    const json& articles = list(root, "data", place_);
    for (place_.article = 0; place_.article < articles.size(); ++place_.article) {
      place_.depth = 1;
      const json& paragraphs = list(articles[place_.article], "paragraphs", place_);
      for (place_.paragraph = 0; place_.paragraph < paragraphs.size(); ++place_.paragraph) {
        place_.depth = 2;
        add_paragraph(paragraphs[place_.paragraph]);
      }
    }
    check(!data_.questions.empty(), "{}: no question", data_.path);
  }

 private:
  void add_paragraph(const json& paragraph) {
    data_.contexts.push_back(text(paragraph, "context", place_));
    length_ = count_characters(data_.contexts.back());
    const json& questions = list(paragraph, "qas", place_);
    for (place_.question = 0; place_.question < questions.size(); ++place_.question) {
      place_.depth = 3;
      add_question(questions[place_.question]);
    }
  }

  void add_question(const json& qa) {
    SquadQuestion question;
    question.id = text(qa, "id", place_);
    check(ids_.insert(question.id).second, "{}: the id '{}' occurs twice", place_.str(), question.id);
    question.text = text(qa, "question", place_);
    question.context = static_cast<int32_t>(data_.contexts.size()) - 1;
    if (const auto impossible = qa.find("is_impossible"); impossible != qa.end()) {
      check(impossible->is_boolean(), "{}: \"is_impossible\" is {}, expected true or false", place_.str(),
            impossible->type_name());
      question.is_impossible = impossible->get<bool>();
      data_.has_impossible = true;
    }
    if (qa.contains("answers")) {
      for (const json& answer : list(qa, "answers", place_)) add_answer(answer, question);
    }
    data_.questions.push_back(std::move(question));
  }

  void add_answer(const json& answer, SquadQuestion& question) const {
    const json& start = member(answer, "answer_start", place_);
    check(start.is_number_integer(), "{}: \"answer_start\" is {}, expected a whole number", place_.str(),
          start.dump());
    question.answers.push_back({text(answer, "text", place_), start.get<int64_t>()});
    // Some files say -1 where nobody looked for the place.
    check(question.answers.back().start >= -1 && question.answers.back().start < length_,
          "{}: \"answer_start\" is {}: the context has {} characters", place_.str(), start.dump(), length_);
  }

  SquadData& data_;
  Place place_;
  int64_t length_ = 0;  // of the paragraph's context, in characters
  std::unordered_set<std::string> ids_;
};

}  // namespace

std::string SquadData::where(size_t question) const {
  return fmt::format("{}: question '{}'", path, questions.at(question).id);
}

SquadData read_squad(const std::string& path) {
  SquadData data;
  data.path = path;
  Reader(data).run();
  return data;
}

}  // namespace gradus
