// What exported models are held to, whatever the format: the numbers of the models that they were made of.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "nn/export/graph_builder.h"
#include "tests/nn/exported_texts.h"

namespace gradus {

using Outputs = std::map<std::string, onnx_file::Tensor>;
using BuildGraph = std::function<void(GraphBuilder&)>;
// What an exported model gives for texts.
using RunExported = std::function<Outputs(const Texts&)>;
// Writes a graph of a model with these weights, in float32, and reads it back.
using WriteExported = std::function<RunExported(const Parameters&, const BertConfig&, const BuildGraph&)>;

// Encoders of all kinds of positions and activations, with their poolers.
void check_encoders(const WriteExported& write);
// Classifiers, models of answers, and the heads of pretraining.
void check_heads(const WriteExported& write);

}  // namespace gradus
