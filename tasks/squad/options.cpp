#include "tasks/squad/options.h"

namespace gradus {

bool SquadDriverOptions::uses_words(const std::string& rules) const {
  return answer_text == "words" || (answer_text == "auto" && rules == "google");
}

SquadOptions SquadDriverOptions::features(bool words) const {
  SquadOptions features;
  features.max_seq_length = static_cast<int32_t>(seq_length);
  features.doc_stride = static_cast<int32_t>(doc_stride);
  features.max_query_length = static_cast<int32_t>(max_query_length);
  features.answers = words ? AnswerSearch::words : AnswerSearch::characters;
  return features;
}

void SquadDriverOptions::declare(Options& options) {
  declare_data(
      options, "./squad_finetune/ckpt/",
      {"training data: JSON of SQuAD's form, JSON rows or CSV (docs/questions.md), or several files with "
       "commas "
       "between (\\, is one in a name); of records a file or a folder",
       "evaluation data; of records nothing but what --eval_json_path has anyway",
       "paragraphs, each with its questions: a line of text, then a question a line, a blank line before "
       "the next text; or a file of questions, JSON or CSV; -: stdin",
       "what the training and evaluation data are: text (JSON, CSV) or records"});
  options.add("eval_json_path", eval_json_path, "with records: the questions and answers to score on").file();
  options.add("doc_stride", doc_stride, "word pieces from the beginning of a window to that of the next")
      .between(1, 1000000);
  options.add("max_query_length", max_query_length, "most word pieces of a question").between(1, 1000000);
  options
      .add(
          "answer_text", answer_text,
          "answers as the text has them (characters), or put together of its words as in the reference code; "
          "auto: words with --tokenizer google")
      .choices({"auto", "characters", "words"});
  options
      .add("num_class", num_class,
           "accepted for the sake of other systems' settings: an answer has a beginning and an end")
      .between(2, 2);
  options
      .add("output_dir", output_dir,
           "folder for predictions.json, nbest_predictions.json and null_odds.json; none: the save folder, "
           "when training")
      .folder();

  options
      .add(
          "predict_form", predict_form,
          "what answers are written as: text, a line each; table: the CSV that was read, with columns added; "
          "jsonl: JSON lines, the rows that were read with more in them; auto: text, or with --json objects "
          "with "
          "the n best")
      .choices({"auto", "text", "table", "jsonl"});

  options.group("Answers");
  options
      .add("version_2_with_negative", version_2_with_negative,
           "whether a text may not have the answer; auto: as the data, or the trained model, says")
      .choices({"auto", {"true", {"1"}}, {"false", {"0"}}});
  options.add(
      "null_score_diff_threshold", null_score_diff_threshold,
      "no answer is better when its score exceeds the best one's by more; unless given, what training found "
      "best on the evaluation data");
  options.add("n_best_size", n_best_size, "answers kept for each question").between(1, 1000);
  options.add("max_answer_length", max_answer_length, "most word pieces of an answer").between(1, 1000000);
  options
      .add("assessment_method", assessment_method,
           "scorer of SQuAD, or of CMRC 2018 for Chinese; auto: by the language of the texts")
      .choices({"auto", "squad", {"cmrc", {"cmrc2018", "drcd"}}});
  declare_model(options);
}

void SquadDriverOptions::finish(Options& options) {
  train.finish(options);
  // Settings files have both names, one of them empty.
  if (eval_data_file_path.empty() && !eval_json_path.empty())
    options.option("eval_data_file_path").set(eval_json_path, "--eval_json_path", "--eval_json_path");
  FineTuneOptions::finish(options, {"null_score_diff_threshold"}, false);
  if (train.do_train && output_dir.empty())
    options.preset("output_dir", train.save_finetune_checkpoint_path, "--save_finetune_checkpoint_path");
  check(format() == DatasetFormat::text || !reads_eval() || !eval_json_path.empty(),
        "--eval_data_file_path {}: records have neither the texts nor the answers: give --eval_json_path",
        eval_data_file_path);
  check(format() != DatasetFormat::text || eval_json_path.empty() || eval_json_path == eval_data_file_path,
        "--eval_json_path {} and --eval_data_file_path {}: which of them to score on? The first belongs to "
        "records",
        eval_json_path, eval_data_file_path);
  check(
      predict_form != "table" || !train.do_predict || predict_data_file_path != "-",
      "--predict_form table: standard input has a text or a question a line: name the file with a table with "
      "--predict_data_file_path");
  check(seq_length > max_query_length + 3,
        "--seq_length {} leaves no room for the text beside --max_query_length {} and three special tokens",
        seq_length, max_query_length);
}

}  // namespace gradus
