// Segments in pieces of one size, which norms and updates work on.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "core/kernels.h"

namespace gradus {

// The unit of work and of summation: small enough to share out evenly and to stay in a cache, and of one size whoever computes,
// so that sums have one order.
constexpr int64_t segment_block_size = 4096;

struct SegmentBlock {
  int64_t offset;  // in the flat buffer
  int32_t size;
  int32_t segment;  // its number
  bool decay;       // of the segment
  float rate;       // likewise
};

// The blocks of all segments, in their order.
inline std::vector<SegmentBlock> split_into_blocks(const std::vector<Segment>& segments) {
  std::vector<SegmentBlock> blocks;
  for (size_t s = 0; s < segments.size(); ++s) {
    for (int64_t begin = 0; begin < segments[s].size; begin += segment_block_size) {
      blocks.push_back({segments[s].offset + begin,
                        static_cast<int32_t>(std::min(segment_block_size, segments[s].size - begin)),
                        static_cast<int32_t>(s), segments[s].decay, segments[s].rate});
    }
  }
  return blocks;
}

}  // namespace gradus
