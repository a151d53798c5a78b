#include "tasks/export/options.h"

namespace gradus {

void ExportOptions::declare(Options& options) {
  options.group("Model");
  options
      .add("load_finetune_checkpoint_path", load_finetune_checkpoint_path,
           "the model: a checkpoint, a folder that training saved to, or a pretrained model")
      .path()
      .alias("export_ckpt_file")
      .alias("load_checkpoint_path");
  options
      .add("task", task,
           "what the model is for; auto: as its config.json says, and of a pretrained one all heads that are "
           "there")
      .alias("description")
      .choices({"auto",
                {"ner", {"run_ner"}},
                {"classifier", {"run_classifier"}},
                {"squad", {"run_squad"}},
                {"pretraining", {"run_pretrain"}},
                "encoder"});
  options.add("vocab_file_path", vocab_file_path, "vocabulary of a model that has none beside it").path();
  options.leave({"num_class", "label_file_path", "use_crf", "device_target", "device_id"},
                "the model's own config.json says so, and nothing is computed");
  options.group("File");
  options
      .add("file_format", file_format,
           "what to write: ONNX, which most runtimes read, or MINDIR, which mindspore.load() does")
      .choices({"ONNX", "MINDIR"})
      .refuse("AIR",
              "nothing but Ascend's own compiler reads it, which takes ONNX as well (atc --framework=5); "
              "MindSpore reads MINDIR");
  options
      .add("export_file_name", export_file_name,
           "file to write, with or without its ending; vocab.txt, tokenizer_config.json and config.json go "
           "beside it; none: bert_ner, bert_classifier, bert_squad, bert_pretraining or bert")
      .file();
  options
      .add("export_batch_size", export_batch_size,
           "texts in a batch; 0: as many as whoever runs it likes; a MINDIR file fixes it, at 1 unless it is "
           "given")
      .at_least(0);
  options
      .add("seq_length", seq_length,
           "tokens of each text, padding included; 0: as above; a MINDIR file fixes it, at 128 unless it is "
           "given")
      .at_least(0);
  options
      .add("compute_type", compute_type,
           "number type of weights and arithmetic; logits are fp32 in any case; MINDIR files are not bf16")
      .choices(float_types());
  options.add("viterbi", viterbi,
              "of a tagger with a CRF: find the best tags in the graph, of an ONNX file; else it gives the "
              "scores of the tags, and those of the transitions stand in the file's metadata");
  options.add("external_data", external_data,
              "weights in a file of their own, as always where all is more than 2 GiB, or 1 GiB of MINDIR");
  options.add("overwrite", overwrite, "replace files that are there");
}

void ExportOptions::finish(Options& options) {
  check(!load_finetune_checkpoint_path.empty(),
        "--load_finetune_checkpoint_path is missing: the model to export");
  if (!is_mindir()) return;
  options.preset("export_batch_size", "1", "--file_format MINDIR");
  options.preset("seq_length", "128", "--file_format MINDIR");
  for (const auto& [name, value] :
       {std::pair{"export_batch_size", export_batch_size}, {"seq_length", seq_length}})
    check(value > 0, "--{} 0: a MINDIR file fixes its sizes; expected a whole number, at least 1", name);
  check(dtype() != DType::bfloat16,
        "--compute_type bf16: MindSpore can't compute so on processors; a MINDIR file has fp32 or fp16");
  check(!viterbi,
        "--viterbi: the best tags need a loop, and none is written into MINDIR files; without it the file "
        "gives "
        "the scores of the tags, and those of the transitions in its user_info; --file_format ONNX has both");
}

}  // namespace gradus
