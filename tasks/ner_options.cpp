#include "tasks/ner_options.h"

#include "core/error.h"

namespace gradus {

void NerOptions::declare(Options& options) {
  train.declare(options, "./ner_finetune/ckpt/");

  options.group("Data");
  options.add("train_data_file_path", train_data_file_path,
              "training data: a word and a tag per line; of records a file or a folder");
  options.add("eval_data_file_path", eval_data_file_path, "evaluation data");
  options.add("predict_data_file_path", predict_data_file_path, "text to label, a sentence a line; -: stdin");
  options.add("dataset_format", dataset_format, "what the training and evaluation data are: text or records")
      .choices({"text", "mindrecord", "tfrecord"});
  options.add("schema_file_path", schema_file_path, "schema.json of TFRecord data; none: taken as they are");
  options.add("vocab_file_path", vocab_file_path,
              "word pieces, one a line; none: the checkpoint's vocab.txt");
  options
      .add("label_file_path", label_file_path,
           "tags or entity types, one a line; none: those of the training data")
      .alias("label2id_file_path");
  options.add("tokenizer", tokenizer, "rules as in Hugging Face's BertTokenizer or the BERT reference code")
      .choices({"hf", "google"});
  options
      .add("do_lower_case", do_lower_case, "lower-case text and strip accents; auto: as the checkpoint says")
      .choices({"auto", {"true", {"1"}}, {"false", {"0"}}});
  options.add("seq_length", seq_length, "most word pieces of a sequence, [CLS] and [SEP] included")
      .at_least(3);
  options.add("eval_pad", eval_pad, "evaluation batches in the given order, or grouped by length")
      .choices({"given", "grouped"});

  options.group("Head");
  options.add("use_crf", use_crf, "score whole tag sequences with a conditional random field");
  options.add("with_lstm", with_lstm, "a bidirectional LSTM between encoder and head");
  options.add("lstm_layers", lstm_layers, "layers of the LSTM").between(1, max_lstm_layers);
  options.add("crf_constraints", crf_constraints, "forbid tag sequences that are not valid BIO");
  options
      .add("label_protocol", label_protocol,
           "label the first piece of a word only, or all (further ones as X, [CLS] and [SEP] as tags, or no "
           "[SEP]; or all these as O); records tell it themselves")
      .choices({"first_piece", "x_pieces", "x_pieces_no_sep", "all_pieces"});
  options
      .add("assessment_method", assessment_method,
           "whole names (span), tokens (BF1 ignores types, MF1 doesn't), tags (accuracy), or CLUE's rule")
      .choices({{"span", {"f1", "conlleval"}}, "BF1", "MF1", "accuracy", "clue_benchmark"});

  model.declare(options);

  options.group("Checkpoints");
  options.add("load_pretrain_checkpoint_path", load_pretrain_checkpoint_path,
              "pretrained model to start from: a folder with weights of transformers, TensorFlow or "
              "MindSpore, or the "
              "weights in it; none: train from scratch");
  options.add("load_finetune_checkpoint_path", load_finetune_checkpoint_path,
              "trained model to score or use");

  device.declare(options);
}

void NerOptions::finish(Options& options) {
  options.adopt("seq_length", "bert_net_cfg.seq_length");
  use_sample = !train.do_train && !train.do_eval && !train.do_predict && train_data_file_path.empty() &&
               eval_data_file_path.empty() && load_finetune_checkpoint_path.empty();
  const bool from_scratch = load_pretrain_checkpoint_path.empty() && load_finetune_checkpoint_path.empty();
  if (use_sample) {
    const std::string reason = "built-in sample";
    options.preset("do_train", "true", reason);
    options.preset("do_eval", "true", reason);
    options.preset("save_finetune_checkpoint_path", "",
                   reason);  // it takes seconds, and nobody's model is replaced
  }
  train.finish(options);
  if (use_sample && from_scratch) {
    options.preset("learning_rate", "1e-3", "built-in sample");
    options.preset("epoch_num", "8", "built-in sample");
  }
  model.finish(options, from_scratch && train.do_train);
  for (const char* name : {"use_crf", "crf_constraints", "with_lstm", "lstm_layers", "label_protocol",
                           "tokenizer", "do_lower_case", "dropout"}) {
    if (!options.is_default(name)) given.insert(name);
  }
  check_inputs();
}

void NerOptions::check_inputs() const {
  const TrainOptions& t = train;
  check(t.do_train || t.do_eval || t.do_predict,
        "At least one of --do_train, --do_eval and --do_predict must be true");
  if (!use_sample) {
    check(!t.do_train || !train_data_file_path.empty(), "--do_train needs --train_data_file_path");
    check(!t.do_eval || !eval_data_file_path.empty(), "--do_eval needs --eval_data_file_path");
  }
  check(!t.do_predict || !predict_data_file_path.empty(), "--do_predict needs --predict_data_file_path");
  const bool has_checkpoint =
      !load_pretrain_checkpoint_path.empty() || !load_finetune_checkpoint_path.empty();
  check(!t.do_train || use_sample || has_checkpoint || !vocab_file_path.empty(),
        "--do_train from scratch needs --vocab_file_path; to start from a pretrained model, give "
        "--load_pretrain_checkpoint_path");
  check(!t.do_train || load_finetune_checkpoint_path.empty() || load_pretrain_checkpoint_path.empty(),
        "--do_train can start from one model: give --load_pretrain_checkpoint_path or "
        "--load_finetune_checkpoint_path, not both");
  const bool new_head = load_finetune_checkpoint_path.empty();
  check(!new_head || !crf_constraints || use_crf, "--crf_constraints needs --use_crf");
  check(!new_head || !crf_constraints || label_protocol == "first_piece",
        "--crf_constraints needs --label_protocol first_piece: the tag of other pieces would end every name");
  check(!new_head || lstm_layers == NerOptions().lstm_layers || with_lstm, "--lstm_layers needs --with_lstm");
  for (const auto& [wanted, flag] :
       {std::pair{t.do_eval, "--do_eval"}, std::pair{t.do_predict, "--do_predict"}}) {
    check(!wanted || t.do_train || !load_finetune_checkpoint_path.empty(),
          "{} needs a trained model: give --load_finetune_checkpoint_path, or add --do_train", flag);
  }
  check(t.train_batch_tokens == 0 || t.train_batch_tokens >= seq_length,
        "--train_batch_tokens {} is below --seq_length {}: the longest sequence has to fit in a batch",
        t.train_batch_tokens, seq_length);
  check(model.max_position_embeddings == 0 || seq_length <= model.max_position_embeddings,
        "--seq_length {} is above --max_position_embeddings {}", seq_length, model.max_position_embeddings);
}

}  // namespace gradus
