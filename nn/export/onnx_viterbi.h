// The most likely tags of a CRF as a part of an ONNX graph: two nodes of type Scan, forward over the words and back.
#pragma once

#include <string>
#include <vector>

#include "nn/export/onnx_builder.h"

namespace gradus {

// Tags int64 [batch, words] of emissions [batch, words, K]; lengths are integers [batch]. Where a text has no word there is -1. Among equal
// paths those of the lower tags win.
GraphBuilder::Value add_viterbi(OnnxBuilder& graph, const std::string& name,
                                const GraphBuilder::Value& emissions, const GraphBuilder::Value& lengths,
                                const CrfNumbers& crf);

}  // namespace gradus
