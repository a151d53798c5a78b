// run_pretrain: trains BERT on texts with masked words and pairs of texts, for others to fine-tune.
#include "tasks/main.h"
#include "tasks/pretraining_driver.h"

namespace {

constexpr gradus::PretrainingProgram program{
    "run_pretrain",
    R"(Trains BERT to predict masked words and whether a text follows another, on records that generate_pretraining_records
or the programs it is like have made. What it saves is what run_ner, run_classifier and run_squad start from.)",
    R"(run_pretrain --data_dir records/ --vocab_file_path vocab.txt --bert_network small --train_steps 10000 \
               --eval_data_dir dev.mindrecord --do_train --do_eval
  run_pretrain --data_dir records/ --load_checkpoint_path model/ --train_steps 1000 --save_checkpoint_path further/
  run_pretrain --data_dir records/ --vocab_file_path vocab.txt --train_steps 10000 --resume)",
    true};

int run(int argc, char** argv) { return gradus::run_pretraining(program, argc, argv); }

}  // namespace

int main(int argc, char** argv) { return gradus::run_main(argc, argv, run); }
