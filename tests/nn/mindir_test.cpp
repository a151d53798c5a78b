// Models written as MindIR files compute what they compute here, and are made of what MindSpore's own files are made of.
#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "core/io/bytes.h"
#include "nn/checkpoints/model_files.h"
#include "nn/export/bert_graph.h"
#include "nn/export/mindir_builder.h"
#include "nn/heads/pretraining.h"
#include "tests/files.h"
#include "tests/nn/exported_models.h"
#include "tests/nn/mindir_file.h"

using namespace gradus;

namespace {

using mindir_file::Model;
using MindIrNode = mindir_file::Node;
using mindir_file::Value;

Value value_of(const std::vector<Value>& values, const std::string& name) {
  const auto found = std::ranges::find(values, name, &Value::name);
  REQUIRE_MESSAGE(found != values.end(), name);
  return *found;
}

class Written {
 public:
  // What `build` makes of the parameters for so many texts and tokens, as a file, read back.
  template <typename Build>
  Written(const Parameters& parameters, const BertConfig& config, DType type, int64_t batch, int64_t sequence,
          Build&& build, bool external = false)
      : sequence_(sequence) {
    save_tensors(parameters, (folder_ / "model.safetensors").string(), config.model_type());
    const ModelTensors weights((folder_ / "model.safetensors").string());
    MindIrBuilder graph("tiny", weights, type, batch, sequence);
    build(graph);
    const GraphFile file{folder_ / "model.mindir", {{"task", "test"}}, external};
    files = graph.files(file);
    graph.write(file);
    model = mindir_file::read(files.at(0));
    check_nodes();
  }

  Outputs run(const Texts& texts) const {
    const onnx_file::Graph graph = as_onnx(model);
    std::map<std::string, onnx_file::Tensor> inputs;
    for (const onnx_file::Value& input : graph.inputs)
      inputs[input.name] = columns(texts.padded.at(input.name), sequence_, -1);
    Outputs found = onnx_file::run(graph, inputs);
    for (const Value& output : model.outputs) CHECK(found.at(output.name).dims == output.dims);
    return found;
  }

  // The first columns of a tensor [B, S, ...], or more, filled up.
  static onnx_file::Tensor columns(const onnx_file::Tensor& x, int64_t wanted, double filler) {
    onnx_file::Tensor y{x.dims, {}};
    y.dims.at(1) = wanted;
    int64_t width = 1;
    for (size_t axis = 2; axis < x.dims.size(); ++axis) width *= x.dims[axis];
    for (int64_t row = 0; row < x.dims[0]; ++row) {
      for (int64_t i = 0; i < wanted * width; ++i)
        y.values.push_back(i < x.dims[1] * width ? x.values[static_cast<size_t>(row * x.dims[1] * width + i)]
                                                 : filler);
    }
    return y;
  }

  Model model;
  std::vector<std::filesystem::path> files;

 private:
  // Values are there before they are taken, and none is there for nothing.
  void check_nodes() const {
    std::set<std::string> known, used;
    for (const std::vector<Value>* values : {&model.inputs, &model.parameters})
      for (const Value& value : *values) CHECK_MESSAGE(known.insert(value.name).second, value.name);
    for (const MindIrNode& node : model.nodes) {
      for (const std::string& input : node.inputs) CHECK_MESSAGE(known.contains(input), input);
      used.insert(node.inputs.begin(), node.inputs.end());
      CHECK(node.outputs == std::vector{node.name});
      CHECK_MESSAGE(known.insert(node.name).second, node.name);
    }
    for (const Value& output : model.outputs) {
      CHECK_MESSAGE(known.contains(output.name), output.name);
      used.insert(output.name);
    }
    for (const std::string& name : known) CHECK_MESSAGE(used.contains(name), name);
  }

  TemporaryFolder folder_;
  int64_t sequence_;
};

int64_t longest(const std::vector<int32_t>& lengths) { return *std::ranges::max_element(lengths); }

// A file for texts of each size. The parameters have to live as long as it is run.
RunExported write_exported(const Parameters& parameters, const BertConfig& config, const BuildGraph& build) {
  return [&parameters, config, build](const Texts& texts) {
    return Written(parameters, config, DType::float32, std::ssize(texts.lengths), longest(texts.lengths),
                   build)
        .run(texts);
  };
}

}  // namespace

TEST_CASE(
    "an encoder in a MindIR file gives the vectors of its tokens, whatever its positions and activation") {
  check_encoders(write_exported);
}

TEST_CASE("a tagger in a MindIR file gives the scores of pieces, or of words behind an LSTM") {
  constexpr int64_t tags = 5;
  for (const int64_t lstm_layers : {0, 1, 2}) {
    CAPTURE(lstm_layers);
    const BertConfig config = config_of(RelativePositions::none);
    Allocated made;
    NerHeadConfig head;
    head.tags = tags;
    head.lstm_layers = lstm_layers;
    const NerModel model(Scope(made.parameters), config, head);
    made.allocate();
    for (const std::vector<int32_t>& lengths : batches) {
      const Written written(made.parameters, config, DType::float32, std::ssize(lengths), longest(lengths),
                            [&](GraphBuilder& graph) {
                              build_tagger(graph, config,
                                           {.tags = tags, .lstm_layers = lstm_layers, .output = "scores"});
                            });
      const Texts texts(lengths);
      onnx_file::Tensor found = written.run(texts).at("scores");
      // A file has room for as many words as tokens.
      if (lstm_layers > 0) found = Written::columns(found, longest(lengths) / 2, 0);
      Context context;
      check_close(texts.of_tokens(found, true), model.emissions(context, texts.ner()).value());
    }
  }
}

TEST_CASE("classifiers, models of answers and pretrained ones in MindIR files give their logits") {
  check_heads(write_exported);
}

TEST_CASE("a MindIR file has the weights under the checkpoint's names, each once, and fixes its sizes") {
  const BertConfig config = config_of(RelativePositions::none);
  Allocated made;
  const PretrainingModel heads(Scope(made.parameters), config);
  made.allocate();
  for (const DType type : {DType::float32, DType::float16}) {
    const Written written(made.parameters, config, type, 3, 12,
                          [&](GraphBuilder& graph) { build_pretraining(graph, config); });
    const Model& model = written.model;
    CHECK(written.files.size() == 1);
    CHECK(model.version == 3);
    CHECK(model.little_endian);
    CHECK(model.user_info == std::map<std::string, std::string>{{"task", "test"}});
    std::vector<std::string> inputs;
    for (const Value& input : model.inputs) {
      inputs.push_back(input.name);
      CHECK(input.type == static_cast<int64_t>(StoredType::int32));
      CHECK(input.dims == std::vector<int64_t>{3, 12});
    }
    CHECK(inputs == std::vector<std::string>{"input_ids", "input_mask", "token_type_id"});
    REQUIRE(model.outputs.size() == 2);
    CHECK(model.outputs[0].name == "prediction_logits");
    CHECK(model.outputs[0].type == static_cast<int64_t>(StoredType::float32));
    CHECK(model.outputs[0].dims == std::vector<int64_t>{3, 12, config.vocab_size});

    CHECK(std::ssize(model.parameters) == std::ssize(made.parameters.tensors()));
    for (const NamedTensor& tensor : made.parameters.tensors()) {
      const Value stored = value_of(model.parameters, tensor.name);
      CAPTURE(tensor.name);
      CHECK(stored.ref_key == tensor.name);
      CHECK(stored.type == static_cast<int64_t>(stored_type(type)));
      const std::vector<float> values = made.parameters.value(tensor).to_host();
      std::string bytes;
      for (const float value : values) {
        if (type == DType::float32) append_little_endian(bytes, std::bit_cast<uint32_t>(value), 4);
        else append_little_endian(bytes, float16(value).bits, 2);
      }
      // The table of words is filled up here, not in files.
      CHECK(bytes.starts_with(stored.bytes));
      int64_t size = 1;
      for (const int64_t dim : stored.dims) size *= dim;
      CHECK(stored.bytes.size() == static_cast<size_t>(size) * (type == DType::float32 ? 4 : 2));
    }
    const Texts texts({5, 12, 2});
    Context context;
    const Tensor first = tensor_of(naive_backend(), texts.first), all = tensor_of(naive_backend(), texts.all);
    check_close(written.run(texts).at("seq_relationship_logits").values,
                heads.logits(context, {texts.packed, all, first, all, {}, {}}).random_next.value(),
                type == DType::float32 ? 1e-5 : 5e-3);
  }
}

TEST_CASE("a MindIR file's parameters may lie in a file of their own, as MindSpore has them") {
  const BertConfig config = config_of(RelativePositions::none);
  Allocated made;
  const BertEncoder encoder(Scope(made.parameters) / "bert", config);
  made.allocate();
  const auto build = [&](GraphBuilder& graph) { build_encoder(graph, config, false); };
  const Written inside(made.parameters, config, DType::float32, 1, 4, build);
  const Written outside(made.parameters, config, DType::float32, 1, 4, build, true);
  REQUIRE(outside.files.size() == 2);
  CHECK(outside.files[0].filename() == "model_graph.mindir");
  CHECK(outside.files[1] == outside.files[0].parent_path() / "model_variables" / "data_0");
  const std::string data = file_content(outside.files[1]);
  CHECK(data.substr(0, 64) == "\1" + std::string(63, '\0'));
  REQUIRE(inside.model.parameters.size() == outside.model.parameters.size());
  for (const Value& parameter : inside.model.parameters) {
    const Value other = value_of(outside.model.parameters, parameter.name);
    CHECK_MESSAGE(other.dims == parameter.dims, parameter.name);
    CHECK_MESSAGE(other.bytes == parameter.bytes, parameter.name);
    CHECK(other.offset >= 64);
    CHECK(other.offset % 64 == 0);
  }
}

TEST_CASE("operators in MindIR files take what they take in MindSpore's own") {
  const std::filesystem::path folder = shared_folder("formats/fixtures/mindir");
  if (folder.empty()) {
    MESSAGE("skipped: no files of MindSpore's");
    return;
  }
  // An operator's kind, settings, and which of its inputs are constants, of which type.
  struct Form {
    int64_t kind = 0;
    std::map<std::string, int64_t> settings;
    std::vector<int64_t> constants;
    bool operator==(const Form&) const = default;
  };
  const auto forms = [](const Model& model) {
    std::map<std::string, Form> forms;
    for (const MindIrNode& node : model.nodes) {
      Form form{node.kind, {}, {}};
      // Names of inputs and outputs are there or not, for the same operator.
      for (const auto& [name, attribute] : node.attributes)
        if (!name.ends_with("put_names")) form.settings[name] = attribute.type;
      for (const std::string& input : node.inputs) {
        const auto found = std::ranges::find(model.nodes, input, &MindIrNode::name);
        const bool is_constant = found != model.nodes.end() && found->op == "Constant";
        const int64_t type = is_constant ? found->attributes.at("value").type : 0;
        form.constants.push_back(type == 19 ? 0 : type);  // tensors come as constants and otherwise
      }
      forms[node.op] = form;
    }
    return forms;
  };
  std::map<std::string, Form> theirs;
  for (const char* name : {"bert_cls_tiny.mindir", "lstm.mindir"})
    theirs.merge(forms(mindir_file::read(folder / name)));

  const BertConfig config = config_of(RelativePositions::none, Activation::gelu_tanh);
  Allocated tags, classes;
  NerHeadConfig head;
  head.tags = 5;
  head.lstm_layers = 1;
  const NerModel tagger(Scope(tags.parameters), config, head);
  const BertEncoder encoder(Scope(classes.parameters) / "bert", config);
  const BertPooler pooler(Scope(classes.parameters) / "bert" / "pooler", config);
  for (Allocated* made : {&tags, &classes}) made->allocate();
  std::map<std::string, Form> ours =
      forms(Written(tags.parameters, config, DType::float32, 2, 8, [&](GraphBuilder& graph) {
              build_tagger(graph, config, {.tags = 5, .lstm_layers = 1});
            }).model);
  ours.merge(forms(Written(classes.parameters, config, DType::float32, 2, 8, [&](GraphBuilder& graph) {
                     build_encoder(graph, config, true);
                   }).model));
  size_t compared = 0;
  for (const auto& [op, form] : ours) {
    if (op == "MakeTuple" || op == "Constant" || !theirs.contains(op)) continue;
    CAPTURE(op);
    const Form& other = theirs.at(op);
    CHECK(form.kind == other.kind);
    CHECK(form.settings == other.settings);
    CHECK(form.constants == other.constants);
    ++compared;
  }
  CHECK(compared >= 16);
}

TEST_CASE("what a MindIR file can't hold is named") {
  TemporaryFolder folder;
  const BertConfig config = config_of(RelativePositions::none);
  Allocated made;
  const BertEncoder encoder(Scope(made.parameters) / "bert", config);
  made.allocate();
  save_tensors(made.parameters, (folder / "model.safetensors").string(), "bert");
  const ModelTensors weights((folder / "model.safetensors").string());
  const auto refuse = [&](int64_t tokens, auto&& build) {
    MindIrBuilder graph("tiny", weights, DType::float32, 1, tokens);
    return error_of([&] { build(graph); });
  };
  CHECK(contains(refuse(4, [&](GraphBuilder& graph) { build_squad(graph, config); }),
                 "model.safetensors: no tensor is qa_outputs.weight"));
  CHECK(contains(refuse(config.max_position_embeddings + 1,
                        [&](GraphBuilder& graph) { build_encoder(graph, config, false); }),
                 fmt::format("bert.embeddings.position_embeddings.weight has {} rows, fewer than a text's {} "
                             "tokens",
                             config.max_position_embeddings, config.max_position_embeddings + 1)));
  CHECK(contains(refuse(4, [&](GraphBuilder& graph) { graph.output_best_tags("tags", "a", "b", {}); }),
                 "tags: the best tags of a CRF need a loop"));
}
