// Files of a model that are something else, or without an end: each is refused by name, and nothing is waited for.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include "core/error.h"
#include "tests/json.h"
#include "tests/tasks/tiny_ner.h"

using namespace gradus;
namespace fs = std::filesystem;

namespace {

// One checkpoint, of which each test spoils a copy.
class SpoiledModel {
 public:
  SpoiledModel() { task_.print(task_.training({"--max_steps=2", "--save_checkpoint_steps=1"})); }

  std::string file(const std::string& name) const { return task_.path("copy/" + name); }
  void begin_anew() const {
    fs::remove_all(task_.path("copy"));
    fs::copy(task_.path("save/checkpoint-2"), task_.path("copy"), fs::copy_options::recursive);
  }
  // Prediction with the copy has to fail with a message that names the file.
  void refuse(const std::string& name, const std::string& text) const {
    const Words command = command_of("run_ner", task_.predicting(task_.path("copy")));
    expect_refusal(command, file(name), text);
  }
  // So has a training that is to go on in the save folder.
  void refuse_to_resume(const std::string& name, const std::string& text) const {
    const Words command =
        command_of("run_ner", task_.training({"--max_steps=3", "--save_checkpoint_steps=1", "--resume"}));
    expect_refusal(command, task_.path("save/" + name), text);
  }
  const TinyNer& task() const { return task_; }

 private:
  static void expect_refusal(Words command, const std::string& file, const std::string& text) {
    command.insert(command.begin(), {"/usr/bin/env", "timeout", "60"});
    const Outcome outcome = Process(command, "a b\n").wait();
    CHECK_MESSAGE(outcome.status == 2, file << ": " << outcome.err);
    CHECK_MESSAGE(outcome.err.find(file) != std::string::npos, outcome.err);
    CHECK_MESSAGE(outcome.err.find(text) != std::string::npos, outcome.err);
    CHECK_MESSAGE(outcome.err.size() < 2000, outcome.err.size());
  }

  TinyNer task_;
};

void make_pipe(const std::string& path) {
  fs::remove(path);
  REQUIRE(mkfifo(path.c_str(), 0600) == 0);
}

void make_folder_of(const std::string& path) {
  fs::remove(path);
  fs::create_directory(path);
}

void make_link(const std::string& path, const std::string& to) {
  fs::remove(path);
  fs::create_symlink(to, path);
}

}  // namespace

TEST_CASE("odd files: a pipe, a device or a folder for one of a model's files is refused") {
  const SpoiledModel model;
  for (const std::string name : {"config.json", "vocab.txt", "model.safetensors", "trainer_state.json"}) {
    CAPTURE(name);
    model.begin_anew();
    make_pipe(model.file(name));
    model.refuse(name, "not a regular file");
    make_link(model.file(name), "/dev/zero");
    model.refuse(name, "not a regular file");
    make_folder_of(model.file(name));
    // The weights may lie in a folder, then under the same name.
    model.refuse(name, name == "model.safetensors" ? "no model.safetensors" : "Is a directory");
  }
}

TEST_CASE("odd files: what a training goes on from is not waited for") {
  const SpoiledModel model;
  for (const std::string name : {"optimizer.safetensors", "config.json", "vocab.txt"}) {
    CAPTURE(name);
    const std::string path = model.task().path("save/checkpoint-2/" + name),
                      aside = model.task().path("aside");
    fs::rename(path, aside);
    make_pipe(path);
    model.refuse_to_resume("checkpoint-2/" + name, "not a regular file");
    fs::rename(aside, path);
  }
}

TEST_CASE("odd files: files without an end are refused by their size") {
  const SpoiledModel model;
  for (const std::string name : {"config.json", "trainer_state.json"}) {
    model.begin_anew();
    write_file(model.file(name), "");
    fs::resize_file(model.file(name), uintmax_t{1} << 40);
    model.refuse(name, "larger than");
  }
}

TEST_CASE("odd files: a pointer of Git LFS or a web page for one of a model's files is named") {
  const SpoiledModel model;
  const std::string pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a21\nsize 123\n";
  for (const std::string name : {"config.json", "model.safetensors"}) {
    model.begin_anew();
    write_file(model.file(name), pointer);
    model.refuse(name, ": a pointer of Git LFS, not the file it stands for, expected ");
    write_file(model.file(name), "<!doctype html>\n<title>Not found</title>\n");
    model.refuse(name, ": a web page, expected ");
  }
  model.begin_anew();
  write_file(model.file("vocab.txt"), pointer);
  model.refuse("vocab.txt", ": a pointer of Git LFS, not the file it stands for, expected text: ");
  const TinyNer& task = model.task();
  const std::string zip = task.write("train.zip.txt", std::string("PK\x03\x04\x14\0\0\0", 8));
  task.refuse(
      task.training({"--train_data_file_path=" + zip, "--save_finetune_checkpoint_path=" + task.path("n")}),
      zip + ": a zip archive, expected text: unpack it");
}

TEST_CASE("odd files: a field of a model's settings that is something else is named") {
  const SpoiledModel model;
  model.begin_anew();
  const auto config = json_of(file_content(model.file("config.json")));
  for (const auto& [key, value, text] :
       {std::tuple("use_crf", Json(3), "'use_crf' is 3, expected true or false"),
        std::tuple("label_protocol", Json(true), "'label_protocol' is true, expected a string"),
        std::tuple("dropout", Json("much"), "'dropout' is \"much\", expected a number"),
        std::tuple("lstm_layers", Json(1.5), "'lstm_layers' is 1.5, expected a whole number"),
        std::tuple("do_lower_case", Json(), "'do_lower_case' is null, expected true or false")}) {
    Json changed = config;
    changed["gradus_ner"][key] = value;
    write_file(model.file("config.json"), json_text(changed));
    model.refuse("config.json", text);
    changed["gradus_ner"].erase(key);
    write_file(model.file("config.json"), json_text(changed));
    model.refuse("config.json", fmt::format("'{}' is missing", key));
  }
}

TEST_CASE("odd files: settings in YAML have a bound, aliases counted as what they stand for") {
  const TinyNer task;
  std::string bomb = "a0: &a0 {x: 1, y: 2}\n";
  for (int i = 1; i < 25; ++i) bomb += fmt::format("a{0}: &a{0} {{x: *a{1}, y: *a{1}}}\n", i, i - 1);
  const std::string path = task.write("bomb.yaml", bomb);
  task.refuse({"--config_path=" + path}, path + ":");
  task.refuse({"--config_path=" + task.write("page.yaml", "<html></html>")},
              "page.yaml: a web page, expected YAML: ");
  std::string large(size_t{5} << 20, ' ');
  task.refuse({"--config_path=" + task.write("large.yaml", large)}, "large.yaml: larger than 4194304 bytes");
}
