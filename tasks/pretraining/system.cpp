#include "tasks/pretraining/system.h"

namespace gradus {
namespace {

constexpr TaskKind pretraining_kind{"gradus_pretraining", "BertForPreTraining", "run_pretrain",
                                    "pretrained model"};

}  // namespace

PretrainSystem::PretrainSystem(ModelSource source) : TaskSystem(std::move(source), pretraining_kind, {}) {
  check(config().type_vocab_size > 1,
        "the model has one type of tokens (type_vocab_size): expected two, for a text and the one after it");
  model_.emplace(Scope(parameters()), config());
  check_weights();
}

std::unique_ptr<PretrainSystem> PretrainSystem::open(const PretrainOptions& options) {
  ModelSource source = ModelSource::of_new(options, std::nullopt);
  if (!options.train.do_train) source.take_as_trained();
  return std::unique_ptr<PretrainSystem>(new PretrainSystem(std::move(source)));
}

}  // namespace gradus
