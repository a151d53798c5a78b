// Models with weights, and texts as they and as exported graphs of them take them, for tests that compare the two.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "nn/heads/ner.h"
#include "tests/naive_backend.h"
#include "tests/nn/onnx_file.h"
#include "tests/nn/tiny_bert.h"

namespace gradus {

// Texts of these lengths, as packed and as padded ones; the words that are tagged are the tokens at odd places.
struct Texts {
  std::vector<int32_t> lengths;
  TokenBatch packed;
  std::map<std::string, onnx_file::Tensor> padded;
  std::vector<int32_t> first, all, words, word_offsets{0};  // rows of the packed ones

  explicit Texts(std::vector<int32_t> texts)
      : lengths(std::move(texts)), packed(tiny_tokens(naive_backend(), lengths, 0)) {
    const auto batch = std::ssize(lengths);
    const int64_t longest = *std::ranges::max_element(lengths), most_words = longest / 2;
    const std::vector<int32_t> ids = packed.input_ids.to_host_int(),
                               types = packed.token_type_ids.to_host_int();
    const auto filled = [&](const char* name, int64_t columns, double filler) -> std::vector<double>& {
      padded[name] = {{batch, columns}, std::vector<double>(static_cast<size_t>(batch * columns), filler)};
      return padded[name].values;
    };
    // What stands behind a text is not to be looked at.
    std::vector<double>&padded_ids = filled("input_ids", longest, 29),
    &mask = filled("attention_mask", longest, 0), &padded_types = filled("token_type_ids", longest, 1),
    &positions = filled("word_positions", most_words, -1);
    int32_t row = 0;
    for (int64_t text = 0; text < batch; ++text) {
      first.push_back(row);
      for (int64_t token = 0; token < lengths[static_cast<size_t>(text)]; ++token, ++row) {
        const auto place = static_cast<size_t>(text * longest + token);
        padded_ids[place] = ids[static_cast<size_t>(row)];
        padded_types[place] = types[static_cast<size_t>(row)];
        mask[place] = 1;
        all.push_back(row);
        if (token % 2 == 0) continue;
        positions[static_cast<size_t>(text * most_words + token / 2)] = static_cast<double>(token);
        words.push_back(row);
      }
      word_offsets.push_back(static_cast<int32_t>(words.size()));
    }
  }

  NerBatch ner() const {
    return {packed,
            tensor_of(naive_backend(), words),
            {tensor_of(naive_backend(), word_offsets), packed.packing.longest / 2},
            {}};
  }
  // Of a padded output, [B, S, ...], the rows of tokens, or of words.
  std::vector<double> of_tokens(const onnx_file::Tensor& padded, bool only_words) const {
    std::vector<double> rows;
    const int64_t columns = padded.dims.at(1);
    int64_t width = 1;
    for (size_t axis = 2; axis < padded.dims.size(); ++axis) width *= padded.dims[axis];
    for (int64_t text = 0; text < std::ssize(lengths); ++text) {
      for (int64_t token = 0; token < lengths[static_cast<size_t>(text)]; ++token) {
        if (only_words && token % 2 == 0) continue;
        // Those of words alone, or of all tokens.
        const bool by_word = columns < *std::ranges::max_element(lengths);
        const auto begin = padded.values.begin() + (text * columns + (by_word ? token / 2 : token)) * width;
        rows.insert(rows.end(), begin, begin + width);
      }
    }
    return rows;
  }
};

struct Allocated {
  Parameters parameters;
  void allocate() {
    parameters.allocate(naive_backend(), Parameters::Use::evaluation, DType::float32);
    parameters.initialize_all(5);
    // Biases begin as zeros, and norms as ones.
    for (const NamedTensor& tensor : parameters.tensors()) {
      std::vector<float> values = parameters.value(tensor).to_host();
      for (size_t i = 0; i < values.size(); ++i)
        values[i] += 0.1F * std::sin(static_cast<float>(3 * i + values.size()));
      parameters.set(tensor, values);
    }
  }
};

inline void check_close(const std::vector<double>& found, const Tensor& expected, double tolerance = 1e-5) {
  const std::vector<float> numbers = expected.to_host();
  REQUIRE(found.size() <= numbers.size());
  double largest = 0, scale = 1;
  for (size_t i = 0; i < found.size(); ++i) {
    largest = std::max(largest, std::abs(found[i] - static_cast<double>(numbers[i])));
    scale = std::max(scale, std::abs(static_cast<double>(numbers[i])));
  }
  CHECK(largest <= tolerance * scale);
}

inline const std::vector<std::vector<int32_t>> batches{{4}, {5, 12, 2}, {3, 3}};

inline BertConfig config_of(RelativePositions relative, Activation act = Activation::gelu) {
  BertConfig config = tiny_bert();
  config.relative_positions = relative;
  config.max_relative_position = relative == RelativePositions::none ? 0 : 3;
  config.hidden_act = act;
  return config;
}

}  // namespace gradus
