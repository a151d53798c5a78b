// What all programs that fine-tune can be told of a training: files, parts of the model, rates, means of checkpoints, folders.
#include <doctest/doctest.h>

#include <cmath>
#include <map>

#include "nn/checkpoints/safetensors.h"
#include "tests/json.h"
#include "tests/tasks/tiny_classifier.h"
#include "tests/tasks/tiny_ner.h"

using namespace gradus;
namespace fs = std::filesystem;

namespace {

using Weights = std::map<std::string, std::vector<float>>;

Weights weights_in(const std::string& folder) {
  Weights weights;
  const SafetensorsFile file(folder + "/model.safetensors");
  for (const TensorEntry& tensor : file.tensors()) {
    std::vector<float>& values = weights[tensor.name];
    values.resize(static_cast<size_t>(tensor.elements()));
    copy_as_float(tensor, values);
  }
  return weights;
}

double distance_of(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double difference = static_cast<double>(a[i]) - static_cast<double>(b[i]);
    sum += difference * difference;
  }
  return std::sqrt(sum);
}

// A model that was trained a little, whose training goes on in the tests.
std::string begun(const TinyTask& tiny) {
  tiny.print(tiny.training({"--max_steps=2", "--save_finetune_checkpoint_path=" + tiny.path("begun")}));
  return tiny.path("begun/best");
}

Words going_on(const TinyTask& tiny, const std::string& from, const Words& more) {
  return tiny.training(joined({"--load_finetune_checkpoint_path=" + from}, more));
}

// One step of plain gradient descent, of which the distance of weights is the rate times the gradient.
Words one_step(const std::string& save) {
  return {"--max_steps=1",       "--optimizer=Momentum",   "--learning_rate=0.1",
          "--schedule=constant", "--max_grad_norm=0",      "--warmup_proportion=0",
          "--dropout=0",         "--eval_data_file_path=", "--save_finetune_checkpoint_path=" + save};
}

bool is_of(const std::string& name, const char* part) { return name.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("several training files are one, and errors name the one that they are in") {
  const TinyNer tiny;
  const std::string all = file_content(tiny.path("train.txt"));
  const size_t middle = all.find("\n\n", all.size() / 2) + 2;
  const std::string first = tiny.write("first.txt", all.substr(0, middle)),
                    second = tiny.write("se,cond.txt", all.substr(middle));
  const std::string list = first + "," + replaced(second, ",", "\\,");
  const auto train = [&](const std::string& files, const std::string& save) {
    return tiny.print(tiny.training({"--dropout=0.1", "--train_data_file_path=" + files,
                                     "--save_finetune_checkpoint_path=" + tiny.path(save)}));
  };
  train(tiny.path("train.txt"), "one");
  const std::string log = train(list, "two");
  CHECK(weights_in(tiny.path("one/best")) == weights_in(tiny.path("two/best")));
  CHECK(contains(log, first + ": first sentence: Anna/"));
  CHECK(contains(log, second + ": first sentence: "));

  const std::string wrong = tiny.write("wrong.txt", "Anna B-PER\nlives\n");
  tiny.refuse(tiny.training({"--train_data_file_path=" + first + "," + wrong}), wrong + ":2: ");
  tiny.refuse(tiny.training({"--train_data_file_path=" + first + "," + first}), "is named twice");
  tiny.refuse(tiny.training({"--train_data_file_path=" + first + ","}), "a comma with no file beside it");
  // A place in a later file is its own.
  const std::string odd = tiny.write("odd.txt", "Anna B-PER\nlives O\n\nBoris B-PER\nmet I-LOC\n");
  tiny.refuse(tiny.training({"--use_crf", "--crf_constraints", "--tag_scheme=IOB2",
                             "--train_data_file_path=" + first + "," + odd}),
              odd + ":5");
}

TEST_CASE("several tables to train on are one, whatever their forms") {
  const TinyClassifier tiny;
  const Words lines = lines_of(classified_texts);
  std::string first, second = "label\tnumber\tsentence\n";
  for (size_t i = 0; i < lines.size(); ++i) {
    const size_t tab = lines[i].find('\t');
    if (i < 7) first += lines[i] + "\n";
    else second += lines[i].substr(tab + 1) + "\t1\t" + lines[i].substr(0, tab) + "\n";
  }
  const std::string one = tiny.write("one.tsv", first), two = tiny.write("two.tsv", second);
  tiny.print(tiny.training({"--save_finetune_checkpoint_path=" + tiny.path("whole")}));
  tiny.print(tiny.training({"--train_data_file_path=" + one + "," + two}));
  CHECK(weights_in(tiny.path("whole/best")) == weights_in(tiny.path("save/best")));
  const Words apart{"--save_finetune_checkpoint_path="};
  const std::string pairs = tiny.write("pairs.tsv", classified_pairs);
  tiny.refuse(tiny.training(joined(apart, {"--train_data_file_path=" + one + "," + pairs})),
              pairs + ": pairs, but " + one + " has single texts");
  // A label that no model of these has is told by its file and line.
  const std::string odd = tiny.write("odd.tsv", "sentence\tlabel\ngood\tpos\nbad\tawful\n");
  const std::string labels = tiny.write("labels.txt", "neg\npos\n");
  tiny.refuse(tiny.training(joined(
                  apart, {"--label_file_path=" + labels, "--train_data_file_path=" + one + "," + odd})),
              odd + ":3: ");
}

TEST_CASE("frozen parts stay as they were, bit by bit, and the others learn") {
  for (const std::string& compute_type : training_types()) {
    CAPTURE(compute_type);
    const TinyClassifier tiny;
    const std::string from = begun(tiny);
    const Words flags{"--freeze=embeddings,encoder.layer.0", "--max_steps=3", "--weight_decay=0.1",
                      "--compute_type=" + compute_type};
    const std::string log = tiny.print(going_on(tiny, from, flags));
    CHECK(contains(log, "frozen: "));
    const Weights before = weights_in(from), after = weights_in(tiny.path("save/checkpoint-3"));
    REQUIRE(before.size() == after.size());
    for (const auto& [name, values] : before) {
      CAPTURE(name);
      const bool frozen = is_of(name, "bert.embeddings.") || is_of(name, "encoder.layer.0.");
      CHECK((values == after.at(name)) == frozen);
    }
    // A resumed run is told of other parts.
    const std::string resumed = tiny.print(going_on(
        tiny, from,
        {"--freeze=embeddings", "--resume", "--max_steps=4", std::string("--compute_type=") + compute_type}));
    CHECK(contains(resumed,
                   "note: freeze was embeddings,encoder.layer.0 when the checkpoint was made, now it "
                   "is embeddings\n"));
  }
  const TinyClassifier tiny;
  tiny.refuse(tiny.training({"--freeze=encoder.layer.7"}),
              "--freeze encoder.layer.7: 'encoder.layer.7': no part of the model is named 'encoder.layer.7', "
              "expected one of embeddings, pooler, classifier, encoder.layer.0");
  tiny.refuse(tiny.training({"--freeze=bert,classifier"}), "nothing would be left to train");
  tiny.refuse(tiny.scoring("nowhere", {"--freeze=bert"}), "--freeze bert: it is about training");
}

TEST_CASE("a layer's rate is a part of that of the layer above") {
  const TinyClassifier tiny;
  Words two_layers{"--num_hidden_layers=2", "--max_steps=2",
                   "--save_finetune_checkpoint_path=" + tiny.path("begun")};
  tiny.print(tiny.training(two_layers));
  const std::string from = tiny.path("begun/best");
  tiny.print(going_on(tiny, from, joined({"--num_hidden_layers=2"}, one_step(tiny.path("alike")))));
  tiny.print(going_on(
      tiny, from, joined({"--num_hidden_layers=2", "--layer_decay=0.5"}, one_step(tiny.path("falling")))));
  const Weights start = weights_in(from), alike = weights_in(tiny.path("alike/checkpoint-1")),
                falling = weights_in(tiny.path("falling/checkpoint-1"));
  for (const auto& [name, values] : start) {
    CAPTURE(name);
    const double expected = is_of(name, "embeddings") ? 0.125
                            : is_of(name, "layer.0.") ? 0.25
                            : is_of(name, "layer.1.") ? 0.5
                                                      : 1;
    const double whole = distance_of(values, alike.at(name));
    if (whole < 1e-6) continue;  // the keys' biases, which have no gradient
    CHECK(distance_of(values, falling.at(name)) / whole == doctest::Approx(expected).epsilon(0.02));
  }
}

TEST_CASE("smoothed labels keep the loss from zero, and a CRF has none to smooth") {
  const TinyClassifier tiny;
  tiny.train_well({"--label_smoothing=0.2"});
  // Of two classes no prediction gives less than the entropy of 0.9 and 0.1.
  CHECK(tiny.train_loss() > 0.325);
  CHECK(tiny.score("accuracy") == 100);
  tiny.refuse(tiny.training({"--label_smoothing=0.1", "--assessment_method=spearman"}),
              "--label_smoothing 0.1: there are scores to learn or to give, no classes");
  const TinyNer tagger;
  tagger.refuse(tagger.training({"--label_smoothing=0.1", "--use_crf"}), "--label_smoothing 0.1: a CRF");
  tagger.print(tagger.training({"--label_smoothing=0.1", "--max_steps=1"}));
}

TEST_CASE("the mean of the last checkpoints is a model, and the best where it scores no less") {
  const TinyNer tiny;
  const Words flags{"--max_steps=6", "--save_checkpoint_steps=1", "--average_checkpoints=3",
                    "--learning_rate=1e-3"};
  const std::string log =
      tiny.print(tiny.training(joined(flags, {"--eval_data_file_path=", "--do_eval=false"})));
  CHECK(contains(log, "the mean of the 3 checkpoints from step 4 to 6 is " + tiny.path("save/best")));
  const Weights mean = weights_in(tiny.path("save/best"));
  std::vector<Weights> last;
  for (const int step : {4, 5, 6})
    last.push_back(weights_in(tiny.path(fmt::format("save/checkpoint-{}", step))));
  CHECK(!fs::exists(tiny.path("save/checkpoint-3")));
  for (const auto& [name, values] : mean) {
    for (size_t i = 0; i < values.size(); ++i) {
      double sum = 0;
      for (const Weights& of_one : last) sum += static_cast<double>(of_one.at(name)[i]);
      CHECK(static_cast<double>(values[i]) == doctest::Approx(sum / 3).epsilon(1e-6));
    }
  }
  // It is what is loaded.
  tiny.print(tiny.scoring(tiny.path("save")));

  const std::string scored = tiny.print(
      tiny.training(joined(flags, {"--do_eval", "--save_finetune_checkpoint_path=" + tiny.path("scored")})));
  const std::string line = part_from(scored, "the mean of the 3 checkpoints from step 4 to 6: ");
  REQUIRE(!line.empty());
  const bool best = contains(line.substr(0, line.find('\n')), ": it is the best");
  CHECK(best != contains(line.substr(0, line.find('\n')), ", the best has "));
  // What the run says of the model in use is what evaluation says of its weights.
  const std::string folder = best ? "scored/best" : "scored/checkpoint-6";
  CHECK(contains(scored, part_from(tiny.print(tiny.scoring(tiny.path(folder))), "processed ")));

  const std::string one =
      tiny.print(tiny.training({"--max_steps=1", "--average_checkpoints=3",
                                "--save_finetune_checkpoint_path=" + tiny.path("single")}));
  CHECK(contains(one, "note: --average_checkpoints 3: there is one checkpoint, and no mean\n"));
  tiny.refuse(tiny.training({"--average_checkpoints=3", "--save_finetune_checkpoint_path="}),
              "--average_checkpoints 3: no checkpoints are saved");
  tiny.refuse(tiny.training({"--average_checkpoints=3", "--keep_checkpoints=2"}),
              "--average_checkpoints 3: --keep_checkpoints 2 keeps fewer");
}

TEST_CASE("a folder is used anew when it is asked for, and what is not of a run stays in it") {
  const TinyNer tiny;
  const auto save = [&](const std::string& name) { return tiny.path("save/" + name); };
  tiny.print(tiny.training({"--max_steps=4", "--save_checkpoint_steps=2", "--keep_checkpoints=5"}));
  tiny.write("save/notes.txt", "mine");
  fs::create_directory(save("checkpoint-9"));
  tiny.write("save/checkpoint-9/mine.txt", "mine");
  tiny.refuse(tiny.training({"--max_steps=3"}), "or --overwrite_output_dir, which removes them");
  CHECK(fs::exists(save("checkpoint-4")));
  tiny.print(tiny.training({"--max_steps=3", "--overwrite_output_dir"}));
  CHECK(fs::exists(save("checkpoint-3")));
  CHECK(!fs::exists(save("checkpoint-2")));
  CHECK(!fs::exists(save("checkpoint-4")));
  CHECK(file_content(save("latest")) == "checkpoint-3\n");
  CHECK(file_content(save("notes.txt")) == "mine");
  CHECK(file_content(save("checkpoint-9/mine.txt")) == "mine");
  // Nothing is lost where the run can't begin, nor the model that it begins with.
  tiny.refuse(tiny.training({"--overwrite_output_dir", "--train_data_file_path=nowhere.txt"}), "nowhere.txt");
  CHECK(fs::exists(save("checkpoint-3")));
  tiny.refuse(going_on(tiny, save("best"), {"--overwrite_output_dir"}), "is in the folder to be overwritten");
  tiny.refuse(tiny.training({"--overwrite_output_dir", "--resume"}),
              "the one removes what the other goes on from");
  CHECK(fs::exists(save("best/model.safetensors")));
  tiny.print(going_on(
      tiny, save("best"),
      {"--overwrite_output_dir", "--max_steps=1", "--save_finetune_checkpoint_path=" + tiny.path("save2")}));
}

TEST_CASE("the best model has no state of the optimizer, which a run goes on from in its last checkpoint") {
  const TinyNer tiny;
  tiny.print(tiny.training({"--max_steps=4"}));
  CHECK(!fs::exists(tiny.path("save/best/optimizer.safetensors")));
  CHECK(fs::exists(tiny.path("save/best/trainer_state.json")));
  CHECK(fs::exists(tiny.path("save/checkpoint-4/optimizer.safetensors")));
  CHECK(contains(tiny.print(tiny.training({"--max_steps=6", "--resume"})), "at step 4\n"));
  tiny.print(tiny.scoring(tiny.path("save/best")));
  tiny.print(going_on(tiny, tiny.path("save/best"),
                      {"--max_steps=1", "--save_finetune_checkpoint_path=" + tiny.path("further")}));
}
