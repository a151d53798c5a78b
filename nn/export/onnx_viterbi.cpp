#include "nn/export/onnx_viterbi.h"

#include <numeric>

namespace gradus {

using onnx::Attribute;
using onnx::Type;
using Value = GraphBuilder::Value;

namespace {

const onnx::Axis batch{0, "batch"};

// One word: which tag leads to each of its tags best, and the score of the best path there. To the first word none leads, and words
// behind a text's end change no score: each tag leads to itself there. A body has names of its own, and sees those of the graph around
// it.
onnx::Graph forward_body(const std::string& name, int64_t tags, const Value& transitions, const Value& own,
                         const Value& lengths, const Value& axis_2, const Value& zero) {
  onnx::Graph body(name);
  const auto called = [&](const char* part) { return name + "." + part; };
  body.input(called("scores"), Type::float32, {batch, {tags}});
  body.input(called("emissions"), Type::float32, {batch, {tags}});
  body.input(called("word"), Type::int64, {});
  body.node("Unsqueeze", {called("scores"), axis_2}, {called("before")});
  body.node("Add", {called("before"), transitions}, {called("paths")});
  body.node("ReduceMax", {called("paths")}, {called("best_path")},
            {Attribute("axes", std::vector<int64_t>{1}), Attribute("keepdims", int64_t{0})});
  body.node("ArgMax", {called("paths")}, {called("best_before")},
            {Attribute("axis", int64_t{1}), Attribute("keepdims", int64_t{0})});
  body.node("Less", {called("word"), lengths}, {called("exists")});
  body.node("Greater", {called("word"), zero}, {called("follows")});
  body.node("Where", {called("follows"), called("best_path"), called("scores")}, {called("best")});
  body.node("Add", {called("best"), called("emissions")}, {called("reached")});
  body.node("Where", {called("exists"), called("reached"), called("scores")}, {called("scores_after")});
  body.node("And", {called("exists"), called("follows")}, {called("is_reached")});
  body.node("Where", {called("is_reached"), called("best_before"), own}, {called("tag_before")});
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
  body.node("GatherElements", {before, tag}, {name + ".tag_before"}, {Attribute("axis", int64_t{1})});
  body.node("Identity", {tag}, {name + ".tag_found"});
  body.output(name + ".tag_before", Type::int64, {batch, {1}});
  body.output(name + ".tag_found", Type::int64, {batch, {1}});
  return body;
}

}  // namespace

Value add_viterbi(OnnxBuilder& graph, const std::string& name, const Value& emissions, const Value& lengths,
                  const CrfNumbers& crf) {
  const auto tags = std::ssize(crf.start);
  const auto list = [&](int64_t number) { return graph.constant(std::vector<int64_t>{number}); };
  const auto called = [&](const char* part) { return name + "." + part; };
  const Value transitions = graph.constant(called("transitions"), {tags, tags}, crf.transitions);
  std::vector<int64_t> all(crf.start.size());
  std::iota(all.begin(), all.end(), 0);
  const Value own = graph.constant(all), counts = graph.unsqueeze(called("counts"), lengths, 1);

  const Value words =
      graph.node(called("words"), "Squeeze",
                 {graph.node_of(Type::int64, called("word_axis"), "Shape", {emissions},
                                {Attribute("start", int64_t{1}), Attribute("end", int64_t{2})}),
                  list(0)});
  const Value zero = graph.constant(int64_t{0});
  const Value places = graph.node(called("places"), "Range", {zero, words, graph.constant(int64_t{1})});
  // The scores before the first word, one row for each text.
  const Value begins =
      graph.node(called("begins"), "Expand",
                 {graph.constant(called("start"), {tags}, crf.start),
                  graph.node(called("begins_shape"), "Concat",
                             {graph.node_of(Type::int64, called("text_axis"), "Shape", {emissions},
                                            {Attribute("start", int64_t{0}), Attribute("end", int64_t{1})}),
                              list(tags)},
                             {Attribute("axis", int64_t{0})})});
  graph.nodes_of(
      {{called("scores"), Type::float32}, {called("tags_before"), Type::int64}}, "Scan",
      {begins, emissions, places},
      {Attribute("num_scan_inputs", int64_t{2}), Attribute("scan_input_axes", std::vector<int64_t>{1, 0}),
       Attribute("body", forward_body(called("forward"), tags, transitions, own, counts, list(2), zero))});
  const Value ends =
      graph.add(called("end_scores"), called("scores"), graph.constant(called("end"), {tags}, crf.end));
  const Value last =
      graph.node_of(Type::int64, called("last_tag"), "ArgMax", {ends}, {Attribute("axis", int64_t{1})});
  graph.nodes_of(
      {{called("before_first"), Type::int64}, {called("by_word"), Type::int64}}, "Scan",
      {last, called("tags_before")},
      {Attribute("num_scan_inputs", int64_t{1}), Attribute("scan_input_directions", std::vector<int64_t>{1}),
       Attribute("scan_output_directions", std::vector<int64_t>{1}),
       Attribute("scan_output_axes", std::vector<int64_t>{1}),
       Attribute("body", backward_body(called("backward"), tags))});
  const Value found = graph.node(called("found"), "Squeeze", {called("by_word"), list(2)});
  const Value exist = graph.node_of(Type::boolean, called("exist"), "Less", {places, counts});
  return graph.node_of(Type::int64, name, "Where", {exist, found, graph.constant(int64_t{-1})});
}

}  // namespace gradus
