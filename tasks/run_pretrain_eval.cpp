// run_pretrain_eval: scores a pretrained BERT.
#include "tasks/main.h"
#include "tasks/pretraining_driver.h"

namespace {

constexpr gradus::PretrainingProgram program{
    "run_pretrain_eval",
    R"(Scores a pretrained BERT: how often it predicts masked words and whether a text follows another, and how sure it is.)",
    R"(run_pretrain_eval --eval_ckpt pretrain/ckpt --eval_data_dir dev.mindrecord)", false};

int run(int argc, char** argv) { return gradus::run_pretraining(program, argc, argv); }

}  // namespace

int main(int argc, char** argv) { return gradus::run_main(argc, argv, run); }
