// The inputs of tests/golden/make_scores.py, and what scikit-learn and SciPy give for them.
#pragma once

#include <cstdint>

#include "tests/files.h"
#include "tests/json.h"

namespace gradus {

// The cases under one name of tests/golden/scores.json.
inline Json golden_cases(const std::string& key) {
  return json_of(file_content(source_file("tests/golden/scores.json")))[key];
}

// Element i of a sequence of numbers below 2^32 that look random: `noise` of the script.
inline uint32_t golden_noise(int64_t i, uint32_t seed) {
  uint32_t h = static_cast<uint32_t>(i) * 2654435761U + seed * 40503U;
  h ^= h >> 15;
  h *= 2246822519U;
  return h ^ h >> 13;
}

}  // namespace gradus
