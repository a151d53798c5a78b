// Models written as ONNX files compute what they compute here. What runs the files is tests/nn/onnx_file.h.
#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <set>

#include "nn/checkpoints/model_files.h"
#include "nn/export/bert_graph.h"
#include "nn/export/onnx_viterbi.h"
#include "nn/heads/ner.h"
#include "tests/files.h"
#include "tests/nn/exported_models.h"

using namespace gradus;

namespace {

class Written {
 public:
  // What `build` makes of the parameters, as a file, read back.
  template <typename Build>
  Written(const Parameters& parameters, const BertConfig& config, DType type, Build&& build,
          bool external = false, OnnxBuilder::Sizes sizes = {}) {
    save_tensors(parameters, (folder_ / "model.safetensors").string(), config.model_type());
    const ModelTensors weights((folder_ / "model.safetensors").string());
    OnnxBuilder graph("tiny", weights, type, sizes);
    build(graph);
    files = onnx::write_model(folder_ / "model.onnx", graph.graph(), {{"task", "test"}}, external);
    model = onnx_file::read(folder_ / "model.onnx");
    check_names();
  }

  Outputs run(const Texts& texts) const {
    std::map<std::string, onnx_file::Tensor> inputs;
    for (const onnx_file::Value& input : model.graph.inputs) inputs[input.name] = texts.padded.at(input.name);
    return onnx_file::run(model.graph, inputs);
  }

  onnx_file::Model model;
  std::vector<std::filesystem::path> files;

 private:
  // Each node is called as its first output, and what is not used is not there.
  void check_names() const {
    std::set<std::string> used;
    for (const onnx_file::Node& node : model.graph.nodes) {
      CHECK(node.name == node.outputs.at(0));
      used.insert(node.inputs.begin(), node.inputs.end());
    }
    for (const onnx_file::Value& output : model.graph.outputs) used.insert(output.name);
    for (const auto& [name, tensor] : model.graph.tensors) CHECK_MESSAGE(used.contains(name), name);
    for (const onnx_file::Value& input : model.graph.inputs)
      CHECK_MESSAGE(used.contains(input.name), input.name);
  }

  TemporaryFolder folder_;
};

// One file for texts of all sizes.
RunExported write_exported(const Parameters& parameters, const BertConfig& config, const BuildGraph& build) {
  const auto written = std::make_shared<Written>(parameters, config, DType::float32, build);
  return [written](const Texts& texts) { return written->run(texts); };
}

TransitionRules some_rules(int64_t tags) {
  TransitionRules rules;
  for (int64_t tag = 0; tag < tags; ++tag) {
    rules.start.push_back(tag != 1);
    rules.end.push_back(tag != 2);
    for (int64_t next = 0; next < tags; ++next) rules.transitions.push_back((tag + 2 * next) % 4 != 1);
  }
  return rules;
}

std::vector<float> with_masks(const Parameters& parameters, const char* name,
                              const std::vector<bool>& allowed) {
  std::vector<float> scores = parameters.value(parameters.find(name)).to_host();
  const std::vector<float> masks = score_masks(allowed);
  for (size_t i = 0; i < scores.size(); ++i) scores[i] += masks[i];
  return scores;
}

}  // namespace

TEST_CASE("an exported encoder gives the vectors of its tokens, whatever its positions and activation") {
  check_encoders(write_exported);
}

TEST_CASE("an exported tagger gives the scores and the best tags, of pieces or of words, padded or not") {
  constexpr int64_t tags = 5;
  for (const int64_t lstm_layers : {0, 1, 2}) {
    for (const bool crf : {false, true}) {
      CAPTURE(lstm_layers);
      CAPTURE(crf);
      const BertConfig config = config_of(RelativePositions::none);
      const TransitionRules rules = some_rules(tags);
      Allocated made;
      NerHeadConfig head;
      head.tags = tags;
      head.use_crf = crf;
      head.lstm_layers = lstm_layers;
      if (crf) head.crf_constraints = rules;
      const NerModel model(Scope(made.parameters), config, head);
      made.allocate();
      const Written written(made.parameters, config, DType::float32, [&](OnnxBuilder& graph) {
        const TaggerValues built = build_tagger(
            graph, config, {.tags = tags, .lstm_layers = lstm_layers, .by_words = crf, .output = "scores"});
        if (!crf) return;
        const CrfNumbers numbers{with_masks(made.parameters, "crf.transitions", rules.transitions),
                                 with_masks(made.parameters, "crf.start_transitions", rules.start),
                                 with_masks(made.parameters, "crf.end_transitions", rules.end)};
        graph.output_integers("tags", add_viterbi(graph, "viterbi", built.scores, *built.lengths, numbers),
                              "words");
      });
      for (const std::vector<int32_t>& lengths : batches) {
        const Texts texts(lengths);
        const Outputs found = written.run(texts);
        Context context;
        const Tensor scores = model.emissions(context, texts.ner()).value();
        check_close(texts.of_tokens(found.at("scores"), true), scores);
        if (!crf) continue;
        const std::vector<int32_t> best = model.decode(scores, texts.ner()).to_host_int();
        const std::vector<double> found_tags = texts.of_tokens(found.at("tags"), true);
        CHECK(std::ranges::equal(found_tags, best));
        const auto fillers = std::ranges::count(found.at("tags").values, -1);
        CHECK(fillers == std::ssize(found.at("tags").values) - std::ssize(best));
      }
    }
  }
}

TEST_CASE("exported classifiers, models of answers and pretrained ones give their logits") {
  check_heads(write_exported);
}

TEST_CASE(
    "an exported file says its opset, sizes, and types, and holds numbers of 16 bits where it is asked to") {
  const BertConfig config = config_of(RelativePositions::none);
  Allocated made;
  const BertEncoder encoder(Scope(made.parameters) / "bert", config);
  made.allocate();
  const auto build = [&](GraphBuilder& graph) { build_encoder(graph, config, false); };
  const Texts texts({5, 12, 2});
  const Written whole(made.parameters, config, DType::float32, build);
  CHECK(whole.model.opset == 17);
  CHECK(whole.model.metadata == std::map<std::string, std::string>{{"task", "test"}});
  const auto axes = [](const onnx_file::Value& value) { return value.axes; };
  REQUIRE(whole.model.graph.outputs.size() == 1);
  CHECK(axes(whole.model.graph.inputs.at(0)) == std::vector<std::string>{"batch", "sequence"});
  CHECK(axes(whole.model.graph.outputs[0]) == std::vector<std::string>{"batch", "sequence", "16"});
  Context context;
  const Tensor expected = encoder.forward(context, texts.packed).value();
  for (const DType type : {DType::float16, DType::bfloat16}) {
    const Written narrow(made.parameters, config, type, build, false, {.batch = 3, .sequence = 12});
    CHECK(axes(narrow.model.graph.inputs.at(0)) == std::vector<std::string>{"3", "12"});
    CHECK(narrow.model.graph.outputs.at(0).type == 1);
    CHECK(narrow.model.graph.types.at("bert.encoder.layer.0.output.dense.weight.T") ==
          static_cast<int64_t>(stored_type(type)));
    check_close(texts.of_tokens(narrow.run(texts).at("last_hidden_state"), false), expected,
                type == DType::float16 ? 2e-3 : 2e-2);
  }
}

TEST_CASE("an exported model's tensors may lie in a file of their own, short ones stay where they are") {
  const BertConfig config = config_of(RelativePositions::none);
  Allocated made;
  const BertEncoder encoder(Scope(made.parameters) / "bert", config);
  made.allocate();
  const auto build = [&](GraphBuilder& graph) { build_encoder(graph, config, false); };
  const Written inside(made.parameters, config, DType::float32, build);
  const Written outside(made.parameters, config, DType::float32, build, true);
  CHECK(inside.files.size() == 1);
  REQUIRE(outside.files.size() == 2);
  CHECK(outside.files[1].filename() == "model.onnx.data");
  CHECK(file_content(outside.files[0]).size() < file_content(inside.files[0]).size());
  REQUIRE(inside.model.graph.tensors.size() == outside.model.graph.tensors.size());
  for (const auto& [name, tensor] : inside.model.graph.tensors) {
    const onnx_file::Tensor& other = outside.model.graph.tensors.at(name);
    CHECK_MESSAGE(other.dims == tensor.dims, name);
    CHECK_MESSAGE(other.values == tensor.values, name);
  }
}

TEST_CASE("a weight that the model needs and the file lacks is named") {
  TemporaryFolder folder;
  const BertConfig config = config_of(RelativePositions::none);
  Allocated made;
  const BertEncoder encoder(Scope(made.parameters) / "bert", config);
  made.allocate();
  save_tensors(made.parameters, (folder / "model.safetensors").string(), "bert");
  const ModelTensors weights((folder / "model.safetensors").string());
  OnnxBuilder graph("tiny", weights, DType::float32, {});
  CHECK(contains(error_of([&] { build_squad(graph, config); }),
                 "model.safetensors: no tensor is qa_outputs.weight"));
}
