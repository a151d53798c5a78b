#include "tasks/model_request.h"

#include <algorithm>
#include <initializer_list>
#include <limits>

#include "core/error.h"
#include "core/io/checked_json.h"
#include "core/joined.h"

namespace gradus {
namespace {

void check_members(const JsonField& object, std::initializer_list<std::string_view> known,
                   std::string_view where) {
  for (const auto& [name, value] : object.members())
    check(std::ranges::find(known, name) != known.end(), "{}: '{}' is unknown, expected {}", where, name,
          joined(known, ", "));
}

std::pair<std::string, std::string> pair_of(const JsonField& field) {
  field.check(field.value().is_array() && field.value().size() == 2, "a list of two texts");
  const std::vector<JsonField> items = field.items();
  return {items[0].text(), items[1].text()};
}

}  // namespace

ModelRequest parse_request(const Json& json, RequestKind kind, std::string_view where) {
  const JsonField object(json, std::string(where));
  std::string_view one = "text", many = "texts";
  if (kind == RequestKind::pairs) one = "pair", many = "pairs";
  if (kind == RequestKind::questions) one = "question", many = "questions";
  if (kind == RequestKind::questions) check_members(object, {"context", one, many}, where);
  else check_members(object, {one, many}, where);

  ModelRequest request;
  if (kind == RequestKind::questions) request.context = object.at("context").text();
  const auto single = object.find(one), list = object.find(many);
  request.one = single.has_value();
  check(single.has_value() != list.has_value(), "{}: expected either '{}' or '{}'", where, one, many);
  for (const JsonField& item : single ? std::vector{*single} : list->items()) {
    if (kind == RequestKind::pairs) request.pairs.push_back(pair_of(item));
    else request.texts.push_back(item.text());
  }
  return request;
}

PipelineOptions parse_pipeline_options(const Json& json, std::string_view where) {
  const JsonField object(json, std::string(where));
  check_members(object, {"device", "device_id", "threads", "compute_type", "batch_size", "seq_length"},
                where);
  PipelineOptions options;
  const auto take_text = [&](const char* name, std::string& option) {
    if (const auto field = object.find(name)) option = field->text();
  };
  const auto take_number = [&](const char* name, int64_t least, int64_t& option) {
    if (const auto field = object.find(name))
      option = field->integer(least, std::numeric_limits<int32_t>::max());
  };
  take_text("device", options.device);
  take_number("device_id", 0, options.device_id);
  take_number("threads", 0, options.threads);
  take_text("compute_type", options.compute_type);
  take_number("batch_size", 1, options.batch_size);
  take_number("seq_length", 0, options.seq_length);
  return options;
}

}  // namespace gradus
