// What a model computes from token ids, as numbers: export_checks.py compares them with those of runtimes that run the exported
// file. Standard input is a JSON object with lists for each text: input_ids, token_type_ids, and of a tagger word_positions. Each
// output is written as float32 or int32 to OUT.<name>, those of all texts one after the other, without padding.
//   usage: model_outputs FOLDER OUT [encoder]      encoder: of a pretrained model the encoder alone
#include <fmt/core.h>

#include <iostream>
#include <iterator>

#include "core/io/files.h"
#include "core/io/json.h"
#include "data/batcher.h"
#include "nn/checkpoints/model_files.h"
#include "tasks/classifier/system.h"
#include "tasks/model/token_packer.h"
#include "tasks/ner/batch.h"
#include "tasks/ner/system.h"
#include "tasks/pretraining/system.h"
#include "tasks/squad/system.h"
#include "tasks/training/train_setup.h"

using namespace gradus;

namespace {

struct Texts {
  std::vector<std::vector<int32_t>> ids, token_types, words;
};

std::vector<std::vector<int32_t>> lists(const Json& json, const char* name) {
  std::vector<std::vector<int32_t>> found;
  if (!json.contains(name)) return found;
  for (const Json& list : json[name].items()) found.push_back(list.get<std::vector<int32_t>>());
  return found;
}

class Outputs {
 public:
  Outputs(Backend& backend, std::string prefix) : backend_(backend), prefix_(std::move(prefix)) {}

  // Of the first `rows` rows; what follows fills up.
  void write(const char* name, const Tensor& values, int64_t rows) const {
    const Tensor wanted = values.slice(0, rows);
    std::string bytes(wanted.bytes(), '\0');
    backend_.copy_to_host(wanted, bytes.data());
    replace_file(prefix_ + "." + name, bytes);
  }

 private:
  Backend& backend_;
  std::string prefix_;
};

template <typename System>
std::unique_ptr<System> load(Backend& backend, std::unique_ptr<System> system) {
  system->allocate(backend, Parameters::Use::evaluation, DType::float32, 0, nullptr);
  return system;
}

template <typename Options>
Options options_for(const std::string& folder) {
  Options options;
  options.load_finetune_checkpoint_path = folder;
  return options;
}

void tag(Backend& backend, const std::string& folder, const Texts& texts, const Outputs& outputs) {
  const auto system = load(backend, NerSystem::load(options_for<NerOptions>(folder)));
  std::vector<NerExample> examples(texts.ids.size());
  int64_t words = 0;
  for (size_t i = 0; i < examples.size(); ++i) {
    examples[i].input_ids = texts.ids[i];
    examples[i].first_pieces = texts.words.at(i);
    words += std::ssize(texts.words[i]);
  }
  const HostBatch host = pack_ner(backend, examples, numbers_below(std::ssize(examples)));
  const Batch batch(backend, host);
  Context context;
  const Tensor emissions = system->model().emissions(context, ner_batch(batch)).value();
  outputs.write("emissions", emissions, words);
  outputs.write("tags", system->model().decode(emissions, ner_batch(batch)), words);
}

// The tokens of all texts, and the first of each.
HostBatch pack(const Backend& backend, const Texts& texts) {
  HostBatch host;
  TokenPacker tokens;
  std::vector<int32_t> first;
  for (size_t i = 0; i < texts.ids.size(); ++i) {
    first.push_back(tokens.rows());
    tokens.add(texts.ids[i], texts.token_types.at(i));
  }
  host.add("all", {tokens.rows()}, numbers_below(tokens.rows()));
  tokens.add_to(host, backend);
  host.add("first", {std::ssize(first)}, std::span<const int32_t>(first));
  return host;
}

void run(const std::string& folder, const Texts& texts, const std::string& prefix, bool encoder) {
  Backend& backend = open_backend(DeviceOptions());
  const Outputs outputs(backend, prefix);
  const TaskKind* kind = find_kind_of_trained(folder, {&tagger_kind, &classifier_kind, &squad_kind});
  if (kind == &tagger_kind) return tag(backend, folder, texts, outputs);
  const HostBatch host = pack(backend, texts);
  const Batch batch(backend, host);
  const TokenBatch tokens = tokens_of(batch);
  const auto rows = batch["all"].shape()[0], count = std::ssize(texts.ids);
  Context context;
  if (kind == &classifier_kind) {
    const auto system = load(backend, ClassifierSystem::load(options_for<ClassifierOptions>(folder)));
    outputs.write("logits", system->model().logits(context, {tokens, batch["first"], {}, {}}).value(), count);
  } else if (kind == &squad_kind) {
    const auto system = load(backend, SquadSystem::load(options_for<SquadDriverOptions>(folder)));
    outputs.write("logits", system->model().logits(context, {tokens, {}}).value(), rows);
  } else if (!encoder && ModelTensors(folder).find("cls.predictions.bias") != nullptr) {
    PretrainOptions options;
    options.load_pretrain_checkpoint_path = folder;
    options.train.do_train = false;
    const auto system = load(backend, PretrainSystem::open(options));
    const auto found =
        system->model().logits(context, {tokens, batch["all"], batch["first"], batch["all"], {}, {}});
    outputs.write("prediction_logits", found.words.value(), rows);
    outputs.write("seq_relationship_logits", found.random_next.value(), count);
  } else {
    FineTuneOptions options;
    options.load_pretrain_checkpoint_path = folder;
    const ModelSource source = ModelSource::of_new(options, std::nullopt);
    Parameters parameters;
    const BertEncoder encoder(Scope(parameters) / "bert", source.config);
    const BertPooler pooler(Scope(parameters) / "bert" / "pooler", source.config);
    parameters.allocate(backend, Parameters::Use::evaluation, DType::float32);
    load_tensors(source.weights, parameters, {""}, 0, {});
    const Variable hidden = encoder.forward(context, tokens);
    outputs.write("last_hidden_state", hidden.value(), rows);
    outputs.write("pooler_output", pooler.forward(context, gather_rows(hidden, batch["first"])).value(),
                  count);
  }
}

}  // namespace

int main(int argc, char** argv) try {
  const bool encoder = argc == 4 && std::string_view(argv[3]) == "encoder";
  check(argc == 3 || encoder, "usage: model_outputs FOLDER OUT [encoder]");
  const std::string text{std::istreambuf_iterator<char>(std::cin), {}};
  const Json json = parse_json(text, "standard input");
  run(argv[1], {lists(json, "input_ids"), lists(json, "token_type_ids"), lists(json, "word_positions")},
      argv[2], encoder);
  return 0;
} catch (const std::exception& error) {
  fmt::print(stderr, "error: {}\n", error.what());
  return 2;
}
