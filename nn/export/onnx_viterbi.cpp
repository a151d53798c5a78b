#include "nn/export/onnx_viterbi.h"

#include <numeric>

namespace gradus {

using onnx::Attribute;
using onnx::Type;
using Value = GraphBuilder::Value;

namespace {

const onnx::Axis batch{0, "batch"};

Attribute number(const char* name, int64_t value) { return {name, value}; }
Attribute numbers(const char* name, const std::vector<int64_t>& values) { return {name, values}; }

// One word: which tag leads to each of its tags best, and the score of the best path there. To the first word none leads, and words
// behind a text's end change no score: each tag leads to itself there. Both are said by inputs.
onnx::Graph forward_body(const std::string& name, const CrfNumbers& crf) {
  const auto tags = std::ssize(crf.start);
  const auto called = [&](const char* part) { return name + "." + part; };
  onnx::Graph body(name);
  body.input(called("scores"), Type::float32, {batch, {tags}});
  body.input(called("emissions"), Type::float32, {batch, {tags}});
  body.input(called("exists"), Type::boolean, {batch});
  body.input(called("follows"), Type::boolean, {});
  std::vector<int64_t> all(crf.start.size());
  std::iota(all.begin(), all.end(), 0);
  body.initializer(onnx::floats(called("transitions"), {tags, tags}, crf.transitions));
  body.initializer(onnx::integers(called("same_tag"), {1, tags}, all));
  body.initializer(onnx::integers(called("axis_1"), {1}, {1}));
  body.initializer(onnx::integers(called("axis_2"), {1}, {2}));

  body.node("Unsqueeze", {called("scores"), called("axis_2")}, {called("before")});
  body.node("Add", {called("before"), called("transitions")}, {called("paths")});
  body.node("ReduceMax", {called("paths")}, {called("best_path")},
            {numbers("axes", {1}), number("keepdims", 0)});
  body.node("ArgMax", {called("paths")}, {called("best_before")}, {number("axis", 1), number("keepdims", 0)});
  body.node("Where", {called("follows"), called("best_path"), called("scores")}, {called("best")});
  body.node("Add", {called("best"), called("emissions")}, {called("reached")});
  body.node("Unsqueeze", {called("exists"), called("axis_1")}, {called("text_exists")});
  body.node("Where", {called("text_exists"), called("reached"), called("scores")}, {called("scores_after")});
  body.node("And", {called("text_exists"), called("follows")}, {called("is_led_to")});
  body.node("Where", {called("is_led_to"), called("best_before"), called("same_tag")},
            {called("tag_before")});
  body.output(called("scores_after"), Type::float32, {batch, {tags}});
  body.output(called("tag_before"), Type::int64, {batch, {tags}});
  return body;
}

// One word back: from its tag to the one before.
onnx::Graph backward_body(const std::string& name, int64_t tags) {
  onnx::Graph body(name);
  const std::string tag = name + ".tag", before = name + ".tags_before";
  body.input(tag, Type::int64, {batch, {1}});
  body.input(before, Type::int64, {batch, {tags}});
  body.node("GatherElements", {before, tag}, {name + ".tag_before"}, {number("axis", 1)});
  body.node("Identity", {tag}, {name + ".tag_found"});
  body.output(name + ".tag_before", Type::int64, {batch, {1}});
  body.output(name + ".tag_found", Type::int64, {batch, {1}});
  return body;
}

}  // namespace

Value add_viterbi(OnnxBuilder& graph, const std::string& name, const Value& emissions, const Value& lengths,
                  const CrfNumbers& crf) {
  const auto tags = std::ssize(crf.start);
  const auto called = [&](const char* part) { return name + "." + part; };
  const auto list = [&](int64_t value) { return graph.constant(std::vector<int64_t>{value}); };
  const Value zero = graph.constant(int64_t{0}), one = graph.constant(int64_t{1});

  // Which words there are, [B, W], and which have one before them, [W].
  const Value axis = graph.node_of(Type::int64, called("word_axis"), "Shape", {emissions},
                                   {number("start", 1), number("end", 2)});
  const Value words = graph.node(called("words"), "Squeeze", {axis, list(0)});
  const Value places = graph.node(called("places"), "Range", {zero, words, one});
  const Value exist = graph.node_of(Type::boolean, called("exist"), "Less",
                                    {places, graph.unsqueeze(called("counts"), lengths, 1)});
  const Value follow = graph.node_of(Type::boolean, called("follow"), "Greater", {places, zero});

  // Forward, from the scores of beginning with a tag.
  const Value texts = graph.node_of(Type::int64, called("text_axis"), "Shape", {emissions},
                                    {number("start", 0), number("end", 1)});
  const Value begin =
      graph.node(called("begin"), "Expand",
                 {graph.constant(called("start"), {tags}, crf.start),
                  graph.node(called("begin.shape"), "Concat", {texts, list(tags)}, {number("axis", 0)})});
  const Value scores = called("scores"), before = called("tags_before");
  graph.nodes_of({{scores, Type::float32}, {before, Type::int64}}, "Scan", {begin, emissions, exist, follow},
                 {number("num_scan_inputs", 3), numbers("scan_input_axes", {1, 1, 0}),
                  Attribute("body", forward_body(called("forward"), crf))});

  // And back, from the best tag at the end.
  const Value end = graph.add(called("end_scores"), scores, graph.constant(called("end"), {tags}, crf.end));
  const Value last = graph.node_of(Type::int64, called("last_tag"), "ArgMax", {end}, {number("axis", 1)});
  const Value by_word = called("by_word");
  graph.nodes_of({{called("before_first"), Type::int64}, {by_word, Type::int64}}, "Scan", {last, before},
                 {number("num_scan_inputs", 1), numbers("scan_input_directions", {1}),
                  numbers("scan_output_directions", {1}), numbers("scan_output_axes", {1}),
                  Attribute("body", backward_body(called("backward"), tags))});
  const Value found = graph.node(called("found"), "Squeeze", {by_word, list(2)});
  return graph.node_of(Type::int64, name, "Where", {exist, found, graph.constant(int64_t{-1})});
}

}  // namespace gradus
