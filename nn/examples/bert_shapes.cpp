// BERT on one sentence, with the shape of every result, in training:
//   example_bert_shapes [WORDS...]         "anna lives in paris", words of no vocabulary, through an encoder of random weights
//   example_bert_shapes --svg FILE [WORDS...]    draws the same as a picture
#include <algorithm>
#include <fstream>

#include "autograd/printed_tape.h"
#include "nn/bert.h"

using namespace gradus;

namespace {

BertConfig small_config(int64_t words) {
  BertConfig config;
  config.vocab_size = words + 2;
  config.hidden_size = 64;
  config.num_hidden_layers = 1;
  config.num_attention_heads = 4;
  config.intermediate_size = 256;
  return config;
}

// [CLS] and [SEP] around words that have the ids from 2 on, one sequence without padding.
TokenBatch batch_of(Backend& backend, const std::vector<std::string>& words) {
  std::vector<int32_t> ids{0}, positions;
  for (size_t i = 0; i < words.size(); ++i)
    ids.push_back(2 + static_cast<int32_t>(std::find(words.begin(), words.end(), words[i]) - words.begin()));
  ids.push_back(1);
  for (size_t i = 0; i < ids.size(); ++i) positions.push_back(static_cast<int32_t>(i));
  const auto tokens = static_cast<int64_t>(ids.size());
  const auto tensor = [&](const std::vector<int32_t>& values) {
    return Tensor::from(backend, {std::ssize(values)}, values);
  };
  const std::vector<int32_t> types(ids.size()), offsets{0, static_cast<int32_t>(tokens)};
  return {tensor(ids), tensor(types), tensor(positions), {tensor(offsets), tokens}};
}

}  // namespace

int main(int count, char** arguments) try {
  std::vector<std::string> words(arguments + 1, arguments + count);
  std::string picture;
  if (!words.empty() && words[0] == "--svg") {
    check(words.size() > 1, "--svg: expected the name of a file after it");
    picture = words[1];
    words.erase(words.begin(), words.begin() + 2);
  }
  if (words.empty()) words = {"anna", "lives", "in", "paris"};
  const BertConfig config = small_config(std::ssize(words));
  check(std::ssize(words) + 2 <= config.max_position_embeddings, "{} words: expected at most {}",
        words.size(), config.max_position_embeddings - 2);

  Backend& backend = find_backend("CPU");
  Parameters parameters;
  const BertEncoder bert(Scope(parameters) / "bert", config);
  parameters.allocate(backend, Parameters::Use::training, DType::float32);
  parameters.initialize_all(1);
  Context context{.training = true};
  const Tape tape = read_tape(bert.forward(context, batch_of(backend, words)));
  if (picture.empty()) {
    fmt::print("{}", print_tape(tape));
    return 0;
  }
  std::ofstream file(picture);
  check((file << draw_tape(tape)).flush().good(), "{}: cannot be written", picture);
  return 0;
} catch (const Error& error) {
  fmt::print(stderr, "error: {}\n", error.what());
  return 2;
}
