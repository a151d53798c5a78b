// The options of transformers' scripts: what each program makes of them, and the page that says so.
#include "tasks/options/transformers_names.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <set>

#include "core/error.h"
#include "core/io/files.h"
#include "tasks/classifier/options.h"
#include "tasks/ner/options.h"
#include "tasks/pretraining/options.h"
#include "tasks/squad/options.h"
#include "tests/files.h"

using namespace gradus;

namespace {

template <typename TaskOptions>
struct Program {
  TaskOptions options;
  Options flags;

  explicit Program(const char* name) : flags(name, "", "") { options.declare(flags); }
  std::string error_of(std::vector<const char*> words) {
    words.insert(words.begin(), "program");
    try {
      flags.parse(static_cast<int>(words.size()), words.data());
    } catch (const Error& e) {
      return e.what();
    }
    return "";
  }
};

struct Programs {
  Program<NerOptions> ner{"run_ner"};
  Program<ClassifierOptions> classifier{"run_classifier"};
  Program<SquadDriverOptions> squad{"run_squad"};
  Program<PretrainOptions> pretrain{"run_pretrain"};
  std::vector<const Options*> all{&ner.flags, &classifier.flags, &squad.flags, &pretrain.flags};
};

bool has_option(const Options& options, std::string_view name) {
  return std::ranges::any_of(options.all(), [&](const Option& option) {
    return std::ranges::find(option.names(), name) != option.names().end();
  });
}

bool is_for(const TransformersName& row, const std::string& program) {
  return row.programs.empty() || contains(" " + std::string(row.programs) + " ", " " + program + " ");
}

// "--name" and the word behind it, of all in a sentence.
std::vector<std::pair<std::string, std::string>> options_in(const std::string& text) {
  std::vector<std::pair<std::string, std::string>> found;
  for (size_t at = text.find("--"); at != std::string::npos; at = text.find("--", at)) {
    at += 2;
    const size_t end = std::min(text.find_first_of(" ,:;", at), text.size());
    const bool is_alone = end == text.size() || text[end] != ' ';
    const size_t word = is_alone ? end : end + 1;
    found.emplace_back(text.substr(at, end - at),
                       text.substr(word, std::min(text.find_first_of(" ,:;", word), text.size()) - word));
    at = end;
  }
  return found;
}

}  // namespace

TEST_CASE("transformers' names: what means the same is another name of ours") {
  Programs p;
  CHECK(p.ner.error_of({"--train_file",
                        "a.txt",
                        "--validation_file=b.txt",
                        "--test_file",
                        "c.txt",
                        "--per_device_train_batch_size",
                        "16",
                        "--per_device_eval_batch_size",
                        "8",
                        "--num_train_epochs",
                        "4.0",
                        "--max_seq_length",
                        "96",
                        "--gradient_checkpointing",
                        "--lr_scheduler_type",
                        "linear",
                        "--warmup_ratio",
                        "0.2",
                        "--adam_epsilon",
                        "1e-7",
                        "--save_steps",
                        "100",
                        "--logging_steps",
                        "10",
                        "--logging_dir",
                        "curves",
                        "--text_column_name",
                        "tokens",
                        "--label_column_name",
                        "ner_tags"}) == "");
  const NerOptions& ner = p.ner.options;
  CHECK(ner.train_data_file_path == "a.txt");
  CHECK(ner.eval_data_file_path == "b.txt");
  CHECK(ner.predict_data_file_path == "c.txt");
  CHECK(ner.train.train_batch_size == 16);
  CHECK(ner.train.eval_batch_size == 8);
  CHECK(ner.train.epoch_num == 4);
  CHECK(ner.seq_length == 96);
  CHECK(ner.train.recompute);
  CHECK(ner.train.schedule == "linear");
  CHECK(ner.train.warmup_proportion == 0.2);
  CHECK(ner.train.adam_eps == 1e-7);
  CHECK(ner.train.save_checkpoint_steps == 100);
  CHECK(ner.train.log_steps == 10);
  CHECK(ner.train.log_dir == "curves");
  CHECK(ner.columns.text_column == "tokens");
  CHECK(ner.columns.label_column == "ner_tags");
  CHECK(p.pretrain.error_of(
            {"--train_file", "wiki.txt", "--validation_file", "dev.txt", "--mlm_probability", "0.2"}) == "");
  CHECK(p.pretrain.options.input_file == "wiki.txt");
  CHECK(p.pretrain.options.eval_input_file == "dev.txt");
  CHECK(p.pretrain.options.train_data_file_path.empty());
  CHECK(p.pretrain.options.masking.masked_lm_prob == 0.2);
}

TEST_CASE("transformers' names: others are answered, in the words of the program") {
  Programs p;
  CHECK(p.ner.error_of({"--fp16"}) ==
        "unknown option '--fp16' of transformers: here --compute_type fp16, on GPUs");
  CHECK(p.squad.error_of({"--save_total_limit=3"}) ==
        "unknown option '--save_total_limit=3' of transformers: here --keep_checkpoints, beside which the "
        "best is "
        "kept");
  CHECK(p.classifier.error_of({"--hub_model_id", "x"}) ==
        "unknown option '--hub_model_id' of transformers: nothing here: nothing is fetched from or sent to a "
        "hub: models are folders of this machine");
  CHECK(contains(p.ner.error_of({"--output_dir", "x"}), "here --save_finetune_checkpoint_path"));
  CHECK(contains(p.pretrain.error_of({"--model_name_or_path", "x"}), "here --load_pretrain_checkpoint_path"));
  // A row of another program's; what is no name of theirs is answered as before.
  CHECK(contains(p.squad.error_of({"--label_all_tokens"}), "run_squad --help lists all options"));
  CHECK(p.ner.error_of({"--train_batch_sise", "1"}) ==
        "unknown option '--train_batch_sise': did you mean --train_batch_size?");
}

TEST_CASE("transformers' names: a wrong value is told by the name that was given, with what gives it") {
  Programs p;
  CHECK(p.ner.error_of({"--num_train_epochs", "2.5"}) ==
        "--num_train_epochs: found '2.5', expected a whole number from 1 to 1000000: --max_steps ends a run "
        "within a pass");
  CHECK(p.ner.error_of({"--warmup_steps", "0.1"}) ==
        "--warmup_steps: found '0.1', expected a whole number, at least 0: --warmup_proportion is a part of "
        "the steps");
  CHECK(contains(p.ner.error_of({"--lr_scheduler_type", "bogus"}), "--lr_scheduler_type: found 'bogus'"));
  CHECK(contains(p.ner.error_of({"--schedule", "bogus"}), "--schedule: found 'bogus'"));
}

TEST_CASE("transformers' names: in a settings file they are answered too") {
  Programs p;
  const TemporaryFolder folder;
  const std::string path = folder.write("c.yaml", "train_file: a.txt\nbf16: true\nbogus_name: 1\n");
  CHECK(p.ner.error_of({"--config_path", path.c_str()}) == "");
  CHECK(p.ner.options.train_data_file_path == "a.txt");
  CHECK(contains(p.ner.flags.effective(), ": bf16 (here --compute_type bf16), bogus_name\n"));
}

TEST_CASE("transformers' names: the table says of every program what holds there") {
  Programs p;
  std::set<std::string> seen;
  for (const TransformersName& row : transformers_names()) {
    INFO("row ", std::string(row.name));
    bool is_asked = false, is_noted = false;
    for (const Options* program : p.all) {
      INFO(program->program());
      if (!is_for(row, program->program())) continue;
      CHECK_MESSAGE(seen.insert(fmt::format("{} {}", program->program(), row.name)).second, "two rows");
      const bool is_there = has_option(*program, row.name);
      if (is_there) is_noted = true;
      else is_asked = true;
      CHECK_MESSAGE((is_there || !row.answer.empty()), "an option that the program lacks, and no answer");
      for (const auto& [name, value] : options_in(std::string(is_there ? row.note : row.answer))) {
        INFO("--", name, " ", value);
        if (name == "help") continue;
        REQUIRE(has_option(*program, name));
        Option option = *std::ranges::find_if(program->all(), [&, &wanted = name](const Option& o) {
          return std::ranges::find(o.names(), wanted) != o.names().end();
        });
        const bool is_sentence =
            std::set<std::string>{"is", "of", "with", "for", "says", "writes"}.contains(value);
        if (option.placeholder() == "NAME" && !value.empty() && !is_sentence)
          CHECK_NOTHROW(option.set(value, name, "test"));
      }
    }
    CHECK_MESSAGE((is_asked || row.answer.empty()), "an answer that is never given: the programs have it");
    CHECK_MESSAGE((is_noted || row.note.empty()), "a note on what no program has");
  }
}

// The table stands in the page as it is made here: GRADUS_WRITE_PAGES=1 has this test write it there.
TEST_CASE("transformers' names: the page has the table") {
  const std::string path = source_file("docs/recipes/transformers.md").string();
  const Programs p;
  const std::string table = transformers_page(p.all), page = read_file(path);
  const size_t begin = page.find(table.substr(0, table.find('\n') + 1));
  REQUIRE(begin != std::string::npos);
  size_t end = begin;
  while (end < page.size() && page[end] == '|') end = std::min(page.find('\n', end), page.size() - 1) + 1;
  if (std::getenv("GRADUS_WRITE_PAGES") != nullptr)
    return replace_file(path, page.substr(0, begin) + table + page.substr(end));
  CHECK_MESSAGE(page.substr(begin, end - begin) == table,
                "GRADUS_WRITE_PAGES=1 build/tests/test_tasks -tc='*the page has the table*' writes it");
}
