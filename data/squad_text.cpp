#include "data/squad_text.h"

#include <limits>
#include <unordered_set>
#include <utility>

#include "core/checked_json.h"
#include "core/error.h"
#include "data/text_file.h"

namespace gradus {
namespace {

using nlohmann::json;

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

// Paragraphs are taken out of the JSON as they end, and what is left of articles then.
class Reader {
 public:
  Reader(const std::string& path, int64_t most_bytes, const std::function<void(SquadData&)>& use)
      : path_(path), most_bytes_(most_bytes), use_(use), place_{path_} {
    data_.path = path;
  }

  void run() {
    PieceReader file(path_);
    const json root = parse_json([&] { return file.next(); }, path_,
                                 [&](std::span<const std::string> path, json& object) {
                                   if (path.size() == 5 && path[1] == "data" && path[3] == "paragraphs")
                                     return take_paragraph(object);
                                   return path.size() == 3 && path[1] == "data" && take_article(object);
                                 });
    place_.depth = 0;
    check_all_taken(list(root, "data", place_));
    hand_over();
    check(has_question_, "{}: no question", path_);
  }

 private:
  bool take_paragraph(const json& paragraph) {
    place_.depth = 2;
    add_paragraph(paragraph);
    ++place_.paragraph;
    if (bytes_ >= most_bytes_) hand_over();
    return true;
  }

  bool take_article(const json& article) {
    place_.depth = 1;
    check_all_taken(list(article, "paragraphs", place_));
    ++place_.article;
    place_.paragraph = 0;
    return true;
  }

  // What is left of a list of objects is something else.
  void check_all_taken(const json& left) const {
    check(left.empty(), "{}: expected a list of objects, found {} in it", place_.str(),
          left.empty() ? "" : left.front().type_name());
  }

  void hand_over() {
    has_question_ = has_question_ || !data_.questions.empty();
    if (!data_.questions.empty()) use_(data_);
    data_ = {path_, {}, {}, false};
    bytes_ = 0;
  }

  void add_paragraph(const json& paragraph) {
    data_.contexts.push_back(text(paragraph, "context", place_));
    length_ = count_characters(data_.contexts.back());
    bytes_ += static_cast<int64_t>(data_.contexts.back().size());
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
    bytes_ += static_cast<int64_t>(question.text.size());
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
    // Some files give an empty one for none.
    if (question.is_impossible)
      std::erase_if(question.answers, [](const SquadAnswer& answer) { return answer.text.empty(); });
    check(!question.is_impossible || question.answers.empty(),
          "{}: \"is_impossible\" is true, but there is the answer '{}': expected none", place_.str(),
          question.answers.empty() ? "" : question.answers.front().text);
    data_.questions.push_back(std::move(question));
  }

  void add_answer(const json& answer, SquadQuestion& question) const {
    const json& start = member(answer, "answer_start", place_);
    const bool is_whole =
        start.is_number_integer() &&
        (!start.is_number_unsigned() || start.get<uint64_t>() <= std::numeric_limits<int64_t>::max());
    check(is_whole, "{}: \"answer_start\" is {}, expected a whole number", place_.str(), start.dump());
    question.answers.push_back({text(answer, "text", place_), start.get<int64_t>()});
    // Some files say -1 where nobody looked for the place.
    check(question.answers.back().start >= -1 && question.answers.back().start < length_,
          "{}: \"answer_start\" is {}: the context has {} characters", place_.str(), start.dump(), length_);
  }

  const std::string path_;
  int64_t most_bytes_;
  const std::function<void(SquadData&)>& use_;
  SquadData data_;
  int64_t bytes_ = 0;  // of the text in data_
  bool has_question_ = false;
  Place place_;
  int64_t length_ = 0;  // of the paragraph's context, in characters
  std::unordered_set<std::string> ids_;
};

}  // namespace

std::string SquadData::where(size_t question) const {
  return fmt::format("{}: question '{}'", path, questions.at(question).id);
}

SquadData read_squad(const std::string& path) {
  SquadData whole;
  read_squad(path, std::numeric_limits<int64_t>::max(), [&](SquadData& data) { whole = std::move(data); });
  return whole;
}

void read_squad(const std::string& path, int64_t most_bytes, const std::function<void(SquadData&)>& use) {
  Reader(path, most_bytes, use).run();
}

}  // namespace gradus
