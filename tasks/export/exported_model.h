// A model of any task on its way into a file of another program's format.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "nn/bert_config.h"
#include "nn/checkpoints/model_tensors.h"
#include "nn/export/graph_builder.h"
#include "nn/export/stored_tensor.h"
#include "tasks/export/options.h"

namespace gradus {

class ExportedModel {
 public:
  // The model of the options, whichever task it is for. Throws Error naming the file when it is missing, broken or not of the
  // task that was asked for, and when the options ask for what such a model does not have.
  static std::unique_ptr<ExportedModel> open(const ExportOptions& options);
  virtual ~ExportedModel() = default;

  const BertConfig& config() const { return config_; }
  const ModelTensors& weights() const { return weights_; }
  // "bert_ner": how the file is called unless the user says otherwise.
  virtual std::string usual_name() const = 0;
  // "a tagger of 9 tags with a CRF", for the log.
  virtual std::string description() const = 0;

  // Inputs, nodes and outputs.
  virtual void build(GraphBuilder& graph) const = 0;
  // What the file should say: the task, what its outputs mean, how a text becomes its inputs.
  virtual FileMetadata metadata() const = 0;
  // Writes config.json, vocab.txt and tokenizer_config.json into a folder.
  virtual void save_settings(const std::filesystem::path& folder) const = 0;

 protected:
  ExportedModel(BertConfig config, const std::string& weights)
      : config_(std::move(config)), weights_(weights) {}

 private:
  BertConfig config_;
  ModelTensors weights_;
};

}  // namespace gradus
