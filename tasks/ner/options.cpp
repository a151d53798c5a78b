#include "tasks/ner/options.h"

namespace gradus {

void NerOptions::declare(Options& options) {
  declare_data(options, "./ner_finetune/ckpt/",
               {"training data: a word and a tag per line, a table (.csv) or lists in JSON lines, in a file "
                "or several with commas between (\\, is "
                "one in a name); of records a file or a folder",
                "evaluation data", "text to label, in the form of --predict_form; -: stdin",
                "what the training and evaluation data are: text or records"});
  options
      .add("label_file_path", label_file_path,
           "tags or entity types, one a line; none: those of the training data")
      .file()
      .alias("label2id_file_path");
  options
      .add("tag_scheme", tag_scheme,
           "how tags name entities; auto: found from the training data (BILOU and BMES are BIOES in other "
           "letters)")
      .choices(
          {"auto", "IOB1", {"IOB2", {"BIO"}}, "IOE1", "IOE2", {"BIOES", {"IOBES", "BILOU", "BMES", "BMEO"}}});
  columns.declare(options);
  options
      .add("predict_form", predict_form,
           "what the text to label is: text, cut into words as the training data was; words with blanks "
           "between; "
           "columns, a word a line, which are given back with one more; JSON lines with \"text\", \"words\" "
           "or "
           "\"tokens\"; a table with a header and a word a row, which gets the column predicted_tag; auto: a "
           "table by "
           "its name, others told from the first lines")
      .choices({"auto", "text", "words", "columns", {"jsonl", {"json"}}, "table"});

  options.group("Head");
  options.add("use_crf", use_crf, "score whole tag sequences with a conditional random field");
  options.add("with_lstm", with_lstm, "a bidirectional LSTM between encoder and head");
  options.add("lstm_layers", lstm_layers, "layers of the LSTM").between(1, max_lstm_layers);
  options.add("crf_constraints", crf_constraints, "forbid tag sequences that break the scheme of the tags");
  options
      .add("label_protocol", label_protocol,
           "label the first piece of a word only, or all (further ones as X, [CLS] and [SEP] as tags, or no "
           "[SEP]; or all these as O); records tell it themselves")
      .choices({"first_piece", "x_pieces", "x_pieces_no_sep", "all_pieces"});
  train.declare_label_smoothing(options);
  options
      .add("assessment_method", assessment_method,
           "whole names (span; span_strict: those written as the tag scheme wants it), tokens (BF1 ignores "
           "types, MF1 "
           "doesn't), tags (accuracy), or CLUE's rule")
      .choices({{"span", {"f1", "conlleval"}}, "span_strict", "BF1", "MF1", "accuracy", "clue_benchmark"});

  declare_model(options);
}

void NerOptions::finish(Options& options) {
  use_sample = !train.do_train && !train.do_eval && !train.do_predict && train_data_file_path.empty() &&
               eval_data_file_path.empty() && load_finetune_checkpoint_path.empty();
  const bool from_scratch = load_pretrain_checkpoint_path.empty() && load_finetune_checkpoint_path.empty();
  if (use_sample) {
    const std::string reason = "built-in sample";
    options.preset("do_train", "true", reason);
    options.preset("do_eval", "true", reason);
    // It takes seconds, and nobody's model is replaced.
    options.preset("save_finetune_checkpoint_path", "", reason);
  }
  train.finish(options);
  if (use_sample && from_scratch) {
    options.preset("learning_rate", "1e-3", "built-in sample");
    options.preset("epoch_num", "8", "built-in sample");
  }
  FineTuneOptions::finish(
      options, {"use_crf", "crf_constraints", "with_lstm", "lstm_layers", "label_protocol", "tag_scheme"},
      use_sample);
  columns.columns();
  const bool new_head = load_finetune_checkpoint_path.empty();
  check(!new_head || !crf_constraints || use_crf, "--crf_constraints needs --use_crf");
  check(!new_head || !crf_constraints || label_protocol == "first_piece",
        "--crf_constraints needs --label_protocol first_piece: the tag of other pieces would end every name");
  check(!new_head || lstm_layers == NerOptions().lstm_layers || with_lstm, "--lstm_layers needs --with_lstm");
}

}  // namespace gradus
