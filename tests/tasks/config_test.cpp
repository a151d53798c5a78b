// Options: the command line, YAML files, defaults, and what is said about mistakes.
#include "tasks/options/options.h"

#include <doctest/doctest.h>

#include <fstream>
#include <iterator>

#include "core/error.h"
#include "tasks/main.h"
#include "tests/files.h"

using namespace gradus;

namespace {

// A program with one option of each kind.
struct Program {
  bool train = false;
  int64_t batch = 32;
  double rate = 2e-5;
  std::string method = "span";
  std::string labels;
  Options options{"demo", "Does nothing.", "demo --do_train"};

  Program() {
    options.group("Training");
    options.add("do_train", train, "train");
    options.add("train_batch_size", batch, "examples per batch").at_least(1);
    options.add("learning_rate", rate, "step size").between(0, 1);
    options.group("Evaluation");
    options.add("assessment_method", method, "what to score").choices({"span", {"BF1", {"binary"}}});
    options.add("label_file_path", labels, "labels").alias("label2id_file_path");
  }
  void parse(std::vector<const char*> words) {
    words.insert(words.begin(), "demo");
    check(options.parse(static_cast<int>(words.size()), words.data()), "help was printed");
  }
};

std::string error_of(std::vector<const char*> words) {
  Program program;
  try {
    program.parse(std::move(words));
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

std::string file_error(const TemporaryFolder& folder, const std::string& yaml,
                       std::vector<const char*> words = {}) {
  const std::string path = folder.write("c.yaml", yaml);
  words.insert(words.end(), {"--config_path", path.c_str()});
  const std::string text = error_of(words);
  const size_t at = text.find("c.yaml");
  return at == std::string::npos ? text : text.substr(at);
}

}  // namespace

TEST_CASE("options: defaults stay without words") {
  Program p;
  p.parse({});
  CHECK_FALSE(p.train);
  CHECK(p.batch == 32);
  CHECK(p.rate == 2e-5);
  CHECK(p.method == "span");
}

TEST_CASE("options: every way to write a switch") {
  const auto value = [](std::vector<const char*> words) {
    Program p;
    p.parse(std::move(words));
    return p.train;
  };
  CHECK(value({"--do_train"}));
  for (const char* word : {"true", "True", "TRUE", "1"}) {
    CHECK(value({"--do_train", word}));
    CHECK(value({fmt::format("--do_train={}", word).c_str()}));
  }
  for (const char* word : {"false", "False", "0"}) {
    CHECK_FALSE(value({"--do_train", word}));
    CHECK_FALSE(value({fmt::format("--do_train={}", word).c_str()}));
  }
  CHECK(value({"--do_train", "--train_batch_size", "8"}));
  CHECK_FALSE(value({"--do_train", "--do_train=false"}));  // the last one counts
}

TEST_CASE("options: values, aliases, choices and empty texts") {
  Program p;
  p.parse({"--train_batch_size=8", "--learning_rate", "1e-3", "--assessment_method", "bf1",
           "--label2id_file_path", "a=b.txt"});
  CHECK(p.batch == 8);
  CHECK(p.rate == 1e-3);
  CHECK(p.method == "BF1");
  CHECK(p.labels == "a=b.txt");
  Program q;
  q.parse({"--label_file_path=", "--assessment_method=BINARY", "--train_batch_size", "7"});
  CHECK(q.labels.empty());
  CHECK(q.method == "BF1");
  CHECK(q.batch == 7);
}

TEST_CASE("options: one that is given again counts last, or adds up to a list") {
  std::string last = "a", all;
  Options options("demo", "Does nothing.", "demo");
  options.add("last", last, "one");
  options.add("all", all, "several").add_up();
  const char* const words[] = {"demo", "--last=b", "--all", "x=1", "--last", "c", "--all=y,z"};
  CHECK(options.parse(static_cast<int>(std::size(words)), words));
  CHECK(last == "c");
  CHECK(all == R"(x=1,y\,z)");
  CHECK(comma_parts(all) == std::vector<std::string>{"x=1", "y,z"});
  const TemporaryFolder folder;
  for (const char* text : {"all: ['x=1', 'y,z']\nlast: c\n", "all: y,z\nlast: c\n"}) {
    const std::string file = folder.write("c.yaml", text);
    all.clear();
    Options of_file("demo", "Does nothing.", "demo");
    of_file.add("last", last, "one");
    of_file.add("all", all, "several").add_up();
    const char* const given[] = {"demo", "--config_path", file.c_str()};
    CHECK(of_file.parse(static_cast<int>(std::size(given)), given));
    CHECK(comma_parts(all).back() == "y,z");
  }
}

TEST_CASE("options: parts of a list may have commas and backslashes") {
  using Parts = std::vector<std::string>;
  CHECK(comma_parts("") == Parts{});
  CHECK(comma_parts("a,b") == Parts{"a", "b"});
  CHECK(comma_parts(",") == Parts{"", ""});
  CHECK(comma_parts(R"(a\\,b)") == Parts{R"(a\)", "b"});
  CHECK(comma_parts(R"(a\b,\\c,d\)") == Parts{R"(a\b)", R"(\\c)", R"(d\)"});
  CHECK(comma_parts(R"(a\,b,c\\\,d)") == Parts{"a,b", R"(c\,d)"});
  std::vector<std::string> all{"a"};
  for (size_t i = 0; i < all.size() && all[i].size() < 4; ++i)
    for (const char c : {'a', ',', '\\'}) all.push_back(all[i] + c);
  for (const std::string& one : all)
    for (const std::string& other : {std::string("b"), std::string("\\"), one}) {
      CHECK(comma_parts(comma_list({one, other})) == Parts{one, other});
      CHECK(comma_parts(comma_list({other, one, other})) == Parts{other, one, other});
    }
}

TEST_CASE("options: mistakes on the command line") {
  CHECK(error_of({"--train_batch_sise", "8"}) ==
        "unknown option '--train_batch_sise': did you mean --train_batch_size?");
  CHECK(error_of({"-do_train"}) == "unknown option '-do_train': did you mean --do_train?");
  CHECK(error_of({"--label2id=x"}) == "unknown option '--label2id=x': did you mean --label2id_file_path?");
  CHECK(error_of({"--zzzzzzzz"}) == "unknown option '--zzzzzzzz': demo --help lists all options");
  CHECK(error_of({"--do_train", "yes"}) ==
        "unexpected 'yes' after --do_train: expected true, false, 1 or 0, or another option");
  CHECK(error_of({"file.txt"}) == "unexpected 'file.txt': options start with --");
  CHECK(error_of({"--learning_rate"}) == "--learning_rate needs a value: X");
  CHECK(error_of({"--learning_rate", "--do_train"}) == "--learning_rate needs a value: X");
  CHECK(error_of({"--do_train=maybe"}) == "--do_train: found 'maybe', expected true, false, 1 or 0");
  CHECK(error_of({"--train_batch_size", "0"}) ==
        "--train_batch_size: found '0', expected a whole number, at least 1");
  CHECK(error_of({"--train_batch_size=8.5"}) ==
        "--train_batch_size: found '8.5', expected a whole number, at least 1");
  CHECK(error_of({"--train_batch_size", "99999999999999999999"}).find("found '999") != std::string::npos);
  CHECK(error_of({"--learning_rate=nan"}) == "--learning_rate: found 'nan', expected a number from 0 to 1");
  CHECK(error_of({"--learning_rate", "-1"}) == "--learning_rate: found '-1', expected a number from 0 to 1");
  CHECK(error_of({"--assessment_method=F1"}) == "--assessment_method: found 'F1', expected one of span, BF1");
}

TEST_CASE("options: a whole number may have zeros behind a point") {
  Program p;
  p.parse({"--train_batch_size=8.00"});
  CHECK(p.batch == 8);
  for (const char* wrong : {"8.", ".0", "8.01", "8.0.0", "8,0", "8.0 "})
    CHECK(error_of({"--train_batch_size", wrong}) ==
          fmt::format("--train_batch_size: found '{}', expected a whole number, at least 1", wrong));
}

TEST_CASE("options: names of other systems that mean nothing here are told once, and change nothing") {
  const TemporaryFolder folder;
  const std::string path =
      folder.write("c.yaml", "data_url: ''\nprofiling: False\ntrain_batch_size: 4\ntrain_batch_siz: 9\n");
  Program p;
  p.options.leave({"data_url", "load_path"}, "of a store");
  p.options.leave({"profiling"}, "of a runtime");
  p.parse({"--data_url=x", "--profiling", "--load_path", "y", "--do_train", "--config_path", path.c_str()});
  CHECK(p.train);
  CHECK(p.batch == 4);
  const std::string text = p.options.effective();
  CHECK(contains(text, "left: --profiling, profiling: of a runtime\n"));
  CHECK(contains(p.options.help(),
                 "Of other systems, without effect here: --data_url, --load_path, --profiling\n"));
  CHECK(contains(text, "left: --data_url, --load_path, data_url: of a store\n"));
  CHECK(contains(text, "not used by this program, from " + path +
                           ": train_batch_siz (did you mean train_batch_size?)\n"));

  Program q;
  q.options.leave({"data_url"}, "of a store");
  CHECK_THROWS_WITH_AS(q.parse({"--data_url", "x", "y"}), "unexpected 'y': options start with --", Error);
  CHECK_THROWS_WITH_AS(q.parse({"-data_url", "x"}),
                       "unknown option '-data_url': demo --help lists all options", Error);
  CHECK_THROWS_AS(q.options.leave({"do_train"}, "declared"), Error);
}

TEST_CASE(
    "options: a value that is left leaves the default where a file has it, and is refused on the command "
    "line") {
  const TemporaryFolder folder;
  const std::string path = folder.write("c.yaml", "\nassessment_method: Mcc\n");
  Program p;
  p.options.option("assessment_method").leave("mcc", "no such score");
  p.parse({"--config_path", path.c_str()});
  CHECK(p.method == "span");
  CHECK(p.options.is_default("assessment_method"));
  CHECK(contains(p.options.effective(), "= span (default; " + path + ":2: found 'Mcc': no such score)\n"));
  Program q;
  q.options.option("assessment_method").leave("mcc", "no such score");
  CHECK_THROWS_WITH_AS(q.parse({"--assessment_method=mcc"}),
                       "--assessment_method: found 'mcc': no such score, expected one of span, BF1", Error);
}

TEST_CASE("options: a file may have an option under several names, as long as but one of them has a value") {
  const TemporaryFolder folder;
  for (const char* yaml : {"label_file_path: ''\nlabel2id_file_path: a.txt\n",
                           "label_file_path: a.txt\nlabel2id_file_path: ''\n",
                           "label_file_path: a.txt\nlabel2id_file_path: a.txt\n"}) {
    const std::string path = folder.write("c.yaml", yaml);
    Program p;
    p.parse({"--config_path", path.c_str()});
    CHECK(p.labels == "a.txt");
    CHECK_FALSE(contains(p.options.effective(), "not used"));
  }
  CHECK(file_error(folder, "label_file_path: a.txt\n\nlabel2id_file_path: b.txt\n") ==
        "c.yaml:3: label2id_file_path: another name for what line 1 gives, label_file_path");
}

TEST_CASE("options: a value may win over another of the same file, never over the command line") {
  const TemporaryFolder folder;
  const std::string path = folder.write("c.yaml", "train_batch_size: 32\nbase_batch_size: 256\n");
  Program p;
  p.parse({"--config_path", path.c_str()});
  CHECK_FALSE(p.options.is_on_command_line("train_batch_size"));
  p.options.adopt("train_batch_size", "base_batch_size");
  CHECK(p.batch == 32);
  p.options.adopt_over("train_batch_size", "base_batch_size");
  CHECK(p.batch == 256);
  Program q;
  q.parse({"--config_path", path.c_str(), "--train_batch_size=7"});
  q.options.adopt_over("train_batch_size", "base_batch_size");
  CHECK(q.batch == 7);
  CHECK(q.options.is_on_command_line("train_batch_size"));
  CHECK(q.options.in_file("base_batch_size"));
  CHECK_FALSE(q.options.in_file("large_batch_size"));
}

TEST_CASE("options: a file sets values, the command line wins, the rest is named") {
  const TemporaryFolder folder;
  const std::string path = folder.write("c.yaml",
                                        "train_batch_size: 16\n"
                                        "do_train: 'true'\n"
                                        "learning_rate: 0.001\n"
                                        "label2id_file_path:\n"
                                        "device_id: 0\n"
                                        "optimizer_cfg:\n"
                                        "  optimizer: AdamWeightDecay\n"
                                        "  AdamWeightDecay:\n"
                                        "    learning_rate: 0.00003\n"
                                        "    decay_filter: ['layernorm', 'bias']\n"
                                        "  Lamb:\n"
                                        "    learning_rate: 1\n"
                                        "    eps: 2\n"
                                        "---\n"
                                        "do_train: train or not\n"
                                        "---\n"
                                        "device_target: ['Ascend', 'GPU']\n");
  Program p;
  p.parse({"--config_path", path.c_str(), "--learning_rate=0.5"});
  CHECK(p.train);
  CHECK(p.batch == 16);
  CHECK(p.rate == 0.5);
  p.options.adopt("learning_rate", "optimizer_cfg.AdamWeightDecay.learning_rate");
  CHECK(p.rate == 0.5);
  p.options.adopt("assessment_method", "optimizer_cfg.nothing_here");
  CHECK(p.options.list("optimizer_cfg.AdamWeightDecay.decay_filter") ==
        std::vector<std::string>{"layernorm", "bias"});
  CHECK_FALSE(p.options.list("nowhere").has_value());
  p.options.preset("assessment_method", "bf1", "built-in sample");
  p.options.preset("train_batch_size", "64", "built-in sample");
  CHECK(p.method == "BF1");
  CHECK(p.batch == 16);
  CHECK_THROWS_AS(p.options.preset("no_such_option", "64", "why"), Error);

  const std::string text = p.options.effective();
  CHECK(text.find("train_batch_size  = 16 (" + path + ":1)\n") != std::string::npos);
  CHECK(text.find("learning_rate     = 0.5 (command line)\n") != std::string::npos);
  CHECK(text.find("assessment_method = BF1 (built-in sample)\n") != std::string::npos);
  CHECK(text.find("label_file_path   = '' (" + path + ":4)\n") != std::string::npos);
  CHECK(text.find("from " + path + ": device_id, optimizer_cfg.optimizer, optimizer_cfg.Lamb.*\n") !=
        std::string::npos);
  CHECK(text.find("help texts and choices (documents 2 to 3)") != std::string::npos);
}

TEST_CASE("options: a nested value of a file sets an option that is still at its default") {
  const TemporaryFolder folder;
  const std::string path = folder.write("c.yaml", "a:\n  rate: 0.25\n  list: [1]\n  bad: x\n");
  Program p;
  p.parse({"--config_path", path.c_str()});
  p.options.adopt("learning_rate", "a.rate");
  CHECK(p.rate == 0.25);
  CHECK_FALSE(p.options.is_default("learning_rate"));
  CHECK_THROWS_WITH_AS(p.options.adopt("train_batch_size", "a.list"),
                       (path + ":3: a.list: found a list, expected a whole number, at least 1").c_str(),
                       Error);
  CHECK_THROWS_WITH_AS(p.options.adopt("train_batch_size", "a.bad"),
                       (path + ":4: a.bad: found 'x', expected a whole number, at least 1").c_str(), Error);
  CHECK_THROWS_WITH_AS(p.options.list("a.rate"), (path + ":2: a.rate: expected a list").c_str(), Error);
}

TEST_CASE("options: mistakes in a file name the file and the line") {
  const TemporaryFolder folder;
  CHECK(file_error(folder, "\ntrain_batch_size: many\n") ==
        "c.yaml:2: train_batch_size: found 'many', expected a whole number, at least 1");
  CHECK(file_error(folder, "train_batch_size: {a: b}\n") ==
        "c.yaml:1: train_batch_size: found a map, expected a whole number, at least 1");
  CHECK(file_error(folder, "train_batch_size: [1, 2]\n") ==
        "c.yaml:1: train_batch_size: found a list, expected a whole number, at least 1");
  CHECK(file_error(folder, "train_batch_size: many\n", {"--train_batch_size=3"}) == "no error");
  CHECK(file_error(folder, "a: 1\nb: 2\na: 3\n") == "c.yaml:3: 'a' is given twice: first in line 1");
  CHECK(file_error(folder, "a: 1\n---\nb: 1\n---\nc: 1\n---\nd: 1\n") ==
        "c.yaml:6: a document begins here, the fourth. At most 3 docs are allowed: values, help texts, "
        "choices");
  // yaml-cpp finds a document at the ',' again and again.
  CHECK(file_error(folder, "a: 1\n: help\n--- ,a\n1:,[ 2\n").find("At most 3 docs") != std::string::npos);
  CHECK(file_error(folder, "---\n# nothing yet\n---\na: 1\n") ==
        "c.yaml:4: a document begins here, and the first, of the values, is empty");
  CHECK(file_error(folder, "train_batch_size: 2\n---\n") == "no error");
  CHECK(file_error(folder, "a: [1\nb: }\n").find("not valid YAML") != std::string::npos);
  CHECK(file_error(folder, "just words\n") == "c.yaml:1: expected a map of names to values");
  CHECK(file_error(folder, "a: [[1]]\n") == "c.yaml:1: 'a' is a list of lists or maps: expected values");
  CHECK(file_error(folder, "") == "no error");
  CHECK(error_of({"--config_path", "/nonexistent/c.yaml"}) ==
        "cannot read '/nonexistent/c.yaml': No such file or directory");
  CHECK(error_of({"--config_path", "/"}) == "cannot read '/': Is a directory");
}

TEST_CASE("options: the help page names every option with its default") {
  const Program p;
  const std::string help = p.options.help();
  for (const char* text :
       {"Does nothing.", "demo --do_train", "Training:", "Evaluation:", "--do_train [true|false]",
        "(default: false)", "--train_batch_size N", "(default: 32)", "(default: 2e-05)", "one of span, BF1",
        "--label_file_path,--label2id_file_path", "(default: none)", "--config_path", "--help"}) {
    CAPTURE(text);
    CHECK(help.find(text) != std::string::npos);
  }
  for (size_t begin = 0; begin < help.size();) {
    const size_t end = help.find('\n', begin);
    CHECK(end - begin <= 112);
    begin = end + 1;
  }
}

TEST_CASE("options: a name can be declared once") {
  Program p;
  bool again = false;
  CHECK_THROWS_WITH_AS(p.options.add("do_train", again, ""), "[options] --do_train is declared twice", Error);
}

TEST_CASE("run_main: errors become status 2") {
  const auto run = [](auto body) { return run_main(0, nullptr, body); };
  CHECK(run([](int, char**) { return 0; }) == 0);
  CHECK(run([](int, char**) -> int { fail("as expected by the test"); }) == 2);
  CHECK(run([](int, char**) -> int { throw std::bad_alloc(); }) == 2);
}

TEST_CASE("configuration: an alias that stands for the map it is in is refused") {
  const TemporaryFolder folder;
  const std::string path = folder.write("c.yaml", "a: &a\n  b: *a\n");
  CHECK_THROWS_AS(ConfigFile{path}, Error);
}

TEST_CASE("numbers of bytes have units") {
  CHECK(parse_bytes("1000", "--x") == 1000);
  CHECK(parse_bytes("2k", "--x") == 2048);
  CHECK(parse_bytes("500M", "--x") == int64_t{500} << 20);
  CHECK(parse_bytes("4GiB", "--x") == int64_t{4} << 30);
  CHECK(parse_bytes("1TB", "--x") == int64_t{1} << 40);
  for (const char* wrong :
       {"", "M", "-1", "4X", "4GG", "4 G", "1.5G", "9999999999999999999", "9000000000T"}) {
    CAPTURE(wrong);
    CHECK_THROWS_AS(parse_bytes(wrong, "--x"), Error);
  }
}
