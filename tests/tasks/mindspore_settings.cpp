#include "tests/tasks/mindspore_settings.h"

#include <fmt/core.h>

namespace gradus {
namespace {

// What all of them begin with.
constexpr const char* runtime = R"(enable_modelarts: False
data_url: ""
train_url: ""
checkpoint_url: ""
data_path: "/cache/data"
output_path: "/cache/train"
load_path: "/cache/checkpoint_path"
device_target: "Ascend"
enable_profiling: False
)";

// And end with: help texts and choices.
constexpr const char* documents = R"(---
enable_modelarts: "Whether training on modelarts"
do_train: "Eable train"
---
device_target: ['Ascend', 'GPU']
do_train: ["true", "false"]
)";

// The section of an encoder.
std::string network(const std::string& name, int seq_length, const std::string& relative = "False") {
  return fmt::format(R"({}:
    seq_length: {}
    vocab_size: 21128
    hidden_size: 16
    num_hidden_layers: 1
    num_attention_heads: 2
    intermediate_size: 32
    hidden_act: "gelu"
    hidden_dropout_prob: 0.0
    attention_probs_dropout_prob: 0.0
    max_position_embeddings: 512
    type_vocab_size: 2
    initializer_range: 0.02
    use_relative_positions: {}
    dtype: mstype.float32
    compute_type: mstype.float16
)",
                     name, seq_length, relative);
}

}  // namespace

std::string fine_tuning_settings(const std::string& task, const std::string& keys) {
  return runtime +
         fmt::format(R"(description: "run_{0}"
do_train: "false"
do_eval: "false"
device_id: 0
epoch_num: 1
train_data_shuffle: "true"
eval_data_shuffle: "false"
train_batch_size: 4
eval_batch_size: 1
save_finetune_checkpoint_path: "./{0}_finetune/ckpt/"
load_pretrain_checkpoint_path: ""
load_finetune_checkpoint_path: ""
train_data_file_path: ""
eval_data_file_path: ""
dataset_format: "mindrecord"
schema_file_path: ""
export_batch_size: 1
export_ckpt_file: ''
export_file_name: 'bert_{0}'
file_format: 'MINDIR'
)",
                     task) +
         keys + R"(optimizer_cfg:
    optimizer: 'Lamb'
    AdamWeightDecay:
        learning_rate: 0.00002
        end_learning_rate: 0.0000000001
        power: 1.0
        weight_decay: 0.00001
        decay_filter: ['layernorm', 'bias']
        eps: 0.000001
    Lamb:
        learning_rate: 0.00003
        end_learning_rate: 0.0000000001
        power: 1.0
        weight_decay: 0.01
        decay_filter: ['layernorm', 'bias']
    Momentum:
        learning_rate: 0.00002
        momentum: 0.9
)" + network("bert_net_cfg", task == "squad" ? 384 : 128) +
         documents;
}

std::string pretraining_settings(const std::string& keys) {
  return std::string(runtime) + R"(description: 'run_pretrain'
distribute: 'false'
epoch_size: 1
device_id: 0
device_num: 1
enable_save_ckpt: 'true'
enable_lossscale: 'true'
do_shuffle: 'true'
enable_data_sink: 'true'
data_sink_steps: 1
accumulation_steps: 1
allreduce_post_accumulation: 'true'
save_checkpoint_path: ''
load_checkpoint_path: ''
save_checkpoint_steps: 10000
train_steps: -1
save_checkpoint_num: 1
schema_dir: ''
dataset_format: "mindrecord"
num_samples: None
batch_size: 32
loss_scale_value: 65536
scale_factor: 2
scale_window: 1000
optimizer: 'Lamb'
enable_global_norm: False
train_with_eval: 'false'
schema_file: ""
eval_samples: 300000
bucket_list: [16, 32]
AdamWeightDecay:
    learning_rate: 0.00003
    warmup_steps: 10000
Lamb:
    learning_rate: 0.00035
    end_learning_rate: 1.0e-9
    power: 1.2
    warmup_steps: 0
    weight_decay: 0.0166629
    decay_filter: ['layernorm', 'bias']
    eps: 0.000001
    beta1: 0.86
    beta2: 0.98
Momentum:
    learning_rate: 0.00002
    momentum: 0.9
Thor:
    lr_max: 0.006464
base_batch_size: 6
)" + network("base_net_cfg", 128) +
         "nezha_batch_size: 5\n" + network("nezha_net_cfg", 128, "True") + keys + documents;
}

}  // namespace gradus
