// The options of run_ner: values from files of the reference drivers, the built-in sample, and checks.
#include "tasks/ner/options.h"

#include <doctest/doctest.h>

#include "core/backend.h"
#include "core/error.h"
#include "tasks/training/train_setup.h"
#include "tests/files.h"

using namespace gradus;

namespace {

struct Parsed {
  NerOptions ner;
  Options options{"run_ner", "Labels names.", "run_ner"};

  explicit Parsed(std::vector<const char*> words) {
    ner.declare(options);
    words.insert(words.begin(), "run_ner");
    check(options.parse(static_cast<int>(words.size()), words.data()), "help was printed");
    ner.finish(options);
  }
};

std::string error_of(const std::vector<const char*>& words) {
  try {
    const Parsed parsed(words);
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("run_ner options: without data the built-in sample is trained and scored") {
  const Parsed p({"--use_crf", "--with_lstm"});
  CHECK(p.ner.use_sample);
  CHECK(p.ner.use_crf);
  CHECK(p.ner.with_lstm);
  CHECK(p.ner.train.do_train);
  CHECK(p.ner.train.do_eval);
  CHECK(p.ner.train.learning_rate == 1e-3);
  CHECK(p.ner.model.hidden_size == 128);
  CHECK(p.ner.model.intermediate_size == 512);
  CHECK(p.options.effective().find("(built-in sample)") != std::string::npos);
}

TEST_CASE("run_ner options: fine-tuning keeps the checkpoint's shape and the usual learning rate") {
  const Parsed p({"--do_train", "--train_data_file_path=t", "--load_pretrain_checkpoint_path=m"});
  CHECK_FALSE(p.ner.use_sample);
  CHECK(p.ner.model.hidden_size == 0);
  CHECK(p.ner.train.learning_rate == 2e-5);
  CHECK(p.ner.device.dtype() == DType::float32);
}

TEST_CASE("run_ner options: a file in the form of the reference drivers") {
  const TemporaryFolder folder;
  const std::string path = folder.write("task_ner.yaml",
                                        "device_target: CPU\n"
                                        "assessment_method: 'BF1'\n"
                                        "do_train: 'true'\n"
                                        "use_crf: 'true'\n"
                                        "label2id_file_path: labels.txt\n"
                                        "train_data_file_path: t\n"
                                        "load_pretrain_checkpoint_path: m\n"
                                        "dataset_format: mindrecord\n"
                                        "schema_file_path: s.json\n"
                                        "device_id: 0\n"
                                        "export_batch_size: 1\n"
                                        "optimizer_cfg:\n"
                                        "  optimizer: AdamWeightDecay\n"
                                        "  AdamWeightDecay:\n"
                                        "    learning_rate: 0.00002\n"
                                        "    end_learning_rate: 0.0000000001\n"
                                        "    power: 2.0\n"
                                        "    weight_decay: 0.00001\n"
                                        "    decay_filter: ['layernorm', 'bias']\n"
                                        "    eps: 0.000001\n"
                                        "bert_net_cfg:\n"
                                        "  seq_length: 64\n"
                                        "  hidden_size: 768\n"
                                        "  num_attention_heads: 12\n");
  const Parsed p({"--config_path", path.c_str(), "--weight_decay=0.1"});
  CHECK(p.ner.assessment_method == "BF1");
  CHECK(p.ner.label_file_path == "labels.txt");
  CHECK(p.ner.dataset_format == "mindrecord");
  CHECK(p.ner.schema_file_path == "s.json");
  CHECK(p.ner.seq_length == 64);
  CHECK(p.ner.model.hidden_size == 768);
  CHECK(p.ner.train.optimizer == "AdamWeightDecay");
  CHECK(p.ner.train.end_learning_rate == 1e-10);
  CHECK(p.ner.train.power == 2);
  CHECK(p.ner.train.weight_decay == 0.1);
  CHECK(p.ner.train.adam_eps == 1e-6);
  CHECK(p.ner.train.no_decay == std::vector<std::string>{"layernorm", "bias"});
  CHECK(p.options.effective().find("not used by this program, from " + path + ": export_batch_size\n") !=
        std::string::npos);
  const std::string thor = folder.write("thor.yaml", "optimizer_cfg:\n  optimizer: Thor\n");
  CHECK(error_of({"--config_path", thor.c_str()}) ==
        thor +
            ":2: optimizer_cfg.optimizer: found 'Thor', expected one of adamw, AdamWeightDecay, Lamb, "
            "Momentum");
}

TEST_CASE("run_ner options: checks") {
  CHECK(error_of({"--load_finetune_checkpoint_path=m"}) ==
        "At least one of --do_train, --do_eval and --do_predict must be true");
  CHECK(error_of({"--do_train"}) == "--do_train needs --train_data_file_path");
  CHECK(error_of({"--do_eval"}) == "--do_eval needs --eval_data_file_path");
  CHECK(error_of({"--do_predict"}) ==
        "--do_predict needs a trained model: give --load_finetune_checkpoint_path, or add --do_train");
  CHECK(error_of({"--do_eval", "--eval_data_file_path=e"}) ==
        "--do_eval needs a trained model: give --load_finetune_checkpoint_path, or add --do_train");
  CHECK(error_of({"--do_train", "--train_data_file_path=t"})
            .starts_with("--do_train from scratch needs --vocab_file_path"));
  CHECK(error_of({"--do_train", "--train_data_file_path=t", "--load_pretrain_checkpoint_path=m",
                  "--load_finetune_checkpoint_path=m"})
            .starts_with("--do_train can start from one model"));
  CHECK(error_of({"--resume", "--do_eval", "--eval_data_file_path=e", "--load_finetune_checkpoint_path=m"}) ==
        "--resume goes on with a training run: add --do_train");
  CHECK(error_of({"--crf_constraints"}) == "--crf_constraints needs --use_crf");
  CHECK(error_of({"--lstm_layers=2"}) == "--lstm_layers needs --with_lstm");
  CHECK(error_of({"--hidden_size=100", "--num_attention_heads=3"}) ==
        "--hidden_size 100 is not a multiple of --num_attention_heads 3");
  CHECK(error_of({"--hidden_size=0"}).starts_with("training from scratch takes nothing from a checkpoint"));
  CHECK(error_of({"--seq_length=600"}) == "--seq_length 600 is above --max_position_embeddings 512");
  CHECK(error_of({"--train_batch_tokens=100"})
            .starts_with("--train_batch_tokens 100 is below --seq_length 128"));
  CHECK(error_of({"--learning_rate=1e-6", "--end_learning_rate=1e-5"})
            .starts_with("--end_learning_rate 1e-05 is above --learning_rate 1e-06"));
  CHECK(error_of({"--compute_type=int4"}) ==
        "--compute_type: found 'int4', expected one of fp32, bf16, fp16, int8");
  CHECK(error_of({"--device_target=Ascend"}) ==
        "--device_target: found 'Ascend': no such device is known here, expected one of CPU, CUDA");
}

TEST_CASE("run_ner options: other spellings") {
  const Parsed p({"--compute_type=mstype.float32", "--optimizer=adamweightdecay", "--hidden_act=gelu_new"});
  CHECK(p.ner.device.compute_type == "fp32");
  CHECK(p.ner.train.optimizer == "AdamWeightDecay");
  CHECK(p.ner.train.adam_eps == 1e-6);
  CHECK(p.ner.model.hidden_act == "gelu_tanh");
  CHECK(Parsed({"--device_target=GPU"}).ner.device.device_target == "CUDA");
  CHECK(Parsed({"--compute_type=bfloat16"}).ner.device.dtype() == DType::bfloat16);
  const Parsed half({"--compute_type=mstype.float16"});
  CHECK(half.ner.device.dtype() == DType::float16);
  CHECK(half.ner.train.enable_lossscale);
  CHECK(error_of({"--compute_type=fp16", "--max_loss_scale=1024"}) ==
        "--loss_scale_value 65536 is above --max_loss_scale 1024");
  CHECK_FALSE(Parsed({"--compute_type=fp16", "--enable_lossscale=false"}).ner.train.enable_lossscale);
}

TEST_CASE("run_ner options: what a trained tagger fixes is told apart from what was left alone") {
  const Parsed p({"--load_finetune_checkpoint_path=m", "--do_predict", "--use_crf=false", "--dropout=0.1"});
  CHECK(p.ner.given == std::set<std::string>{"use_crf", "dropout"});
}

TEST_CASE("fp16 is refused on the CPU") {
  DeviceOptions device;
  device.compute_type = "fp16";
  CHECK_THROWS_WITH_AS(open_backend(device), "--compute_type fp16: the CPU backend cannot compute in float16",
                       Error);
}

TEST_CASE("bf16 is refused where the kernels can't compute in it") {
  DeviceOptions device;
  device.device_target = "cpu_baseline";
  device.compute_type = "bf16";
  try {
    open_backend(device);
    FAIL("the baseline kernels have no bf16");
  } catch (const Error& e) {
    CHECK(std::string(e.what()).starts_with("--compute_type bf16: "));
    CHECK(std::string(e.what()).ends_with("it takes avx512_bf16 or AMX; use --compute_type fp32"));
  }
  device.compute_type = "fp32";
  CHECK(open_backend(device).description().find("baseline kernels") != std::string::npos);
}
