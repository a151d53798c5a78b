#include "tasks/result_json.h"

#include <cmath>

#include "core/error.h"
#include "data/unicode.h"

namespace gradus {
namespace {

double finite(double number, const char* what) {
  check(std::isfinite(number), "the {} is {}, expected a finite number", what, number);
  return number;
}

// Adds the place of the bytes [begin, end) of a text. A place within a character would be taken for that before it.
void add_place(Json& json, CharacterOffsets& offsets, const std::string& text, size_t begin, size_t end) {
  const auto parts_characters = [&](size_t byte) {
    return byte < text.size() && (static_cast<unsigned char>(text[byte]) & 0xC0) == 0x80;
  };
  check(begin <= end && end <= text.size() && !parts_characters(begin) && !parts_characters(end),
        "bytes {} to {}, expected a place between characters of a text of {} bytes", begin, end, text.size());
  json["start"] = offsets.before(begin);
  json["end"] = offsets.before(end);
}

}  // namespace

Json result_json(const std::string& text, const std::vector<NamedSpan>& names) {
  check_utf8(text, "text");
  CharacterOffsets offsets(text);
  Json entities = Json::array();
  for (const NamedSpan& name : names) {
    Json& entity = entities.push_back({{"type", name.type}, {"text", name.text}});
    add_place(entity, offsets, text, name.begin, name.end);
  }
  return {{"entities", std::move(entities)}};
}

Json result_json(const Classification& result) {
  if (result.gives == Classification::Gives::score) return {{"score", finite(result.score, "score")}};
  Json probabilities = Json::object();
  for (const auto& [label, probability] : result.probabilities)
    check(probabilities.add(label, finite(probability, "probability of a class")) != nullptr,
          "class '{}' is there twice, expected another name for each", label);
  switch (result.gives) {
    case Classification::Gives::labels: {
      Json labels = Json::array();
      for (const auto& [label, probability] : result.labels)
        labels.push_back({{"label", label}, {"probability", finite(probability, "probability of a label")}});
      return {{"labels", std::move(labels)}, {"probabilities", std::move(probabilities)}};
    }
    case Classification::Gives::score:
    case Classification::Gives::one_class:
      break;
  }
  return {{"label", result.label},
          {"probability", finite(result.probability, "probability of the class")},
          {"probabilities", std::move(probabilities)}};
}

Json result_json(const std::string& context, const FoundAnswer& answer) {
  check_utf8(context, "context");
  Json json{{"answer", answer.text},
            {"probability", finite(answer.probability, "probability of the answer")}};
  CharacterOffsets offsets(context);
  if (!answer.text.empty()) add_place(json, offsets, context, answer.begin, answer.end);
  return json;
}

}  // namespace gradus
