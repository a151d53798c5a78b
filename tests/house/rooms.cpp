// The tables of rooms and of costly headers.
#include "tests/house/rules.h"

namespace gradus::house {

std::vector<Room> project_rooms() {
  return parse_rooms(R"(
    # What knows nothing of models: the errors, tensors, the interface of devices; files and their formats.
    core:
    core/io:          core
    backends/cpu:     core
    backends/cuda:    core
    backends/mpi:     core
    backends/onnx:    core

    # The engine.
    autograd:         core
    autograd/ops:     core autograd
    autograd/examples: core autograd
    nn:               core core/io autograd
    nn/heads:         core core/io autograd nn
    nn/examples:      core core/io autograd nn
    nn/checkpoints:   core core/io autograd nn
    # Models in the formats of other programs.
    nn/export:        core core/io autograd nn nn/checkpoints

    # From files to numbers.
    data/sample:      core core/io
    data:             core core/io

    # What the programs share. No room here knows a task. Only one that makes, keeps or trains a model knows nn.
    tasks/log:        core core/io data tasks/metrics/scores.h
    tasks/text:       core core/io data tasks/log
    tasks/help:       core core/io
    # Two options name rows of the tables of optimizers and schedules, one a model's kinds of positions.
    tasks/options:    core core/io data tasks/log tasks/help nn/optimizer.h nn/bert_config.h
    tasks/metrics:    core core/io data tasks/text
    # A checkpoint is known by the state of the training that made it.
    tasks/model:      core core/io data autograd nn nn/checkpoints nn/export tasks/log tasks/text tasks/options
                      tasks/training/train_state.h
    tasks/training:   core core/io data autograd nn nn/checkpoints tasks/log tasks/options tasks/metrics tasks/model
    tasks/report:     core core/io data tasks/log tasks/text tasks/options tasks/metrics tasks/training

    # The tasks: none knows another.
    tasks/classifier: core core/io data autograd nn nn/heads tasks/log tasks/text tasks/options tasks/metrics tasks/model
                      tasks/training tasks/report
    tasks/ner:        core core/io data data/sample autograd nn nn/heads tasks/log tasks/text tasks/options tasks/metrics
                      tasks/model tasks/training tasks/report
    tasks/squad:      core core/io data autograd nn nn/heads tasks/log tasks/text tasks/options tasks/metrics tasks/model
                      tasks/training tasks/report
    tasks/pretraining: core core/io data autograd nn nn/heads tasks/log tasks/text tasks/options tasks/metrics tasks/model
                      tasks/training tasks/report

    # As small as a task can be: new ones begin as a copy of it.
    tasks/topic:      core core/io data nn nn/heads tasks/log tasks/options tasks/metrics tasks/model tasks/training

    # What serves trained models, of which it sees what other programs do.
    tasks/serve:      core core/io tasks/options tasks/pipeline.h tasks/text_model.h tasks/text_query.h

    # The programs.
    tasks:            core core/io data nn nn/export tasks/log tasks/text tasks/help tasks/options tasks/metrics tasks/model tasks/training
                      tasks/report tasks/classifier tasks/ner tasks/squad tasks/topic tasks/pretraining tasks/serve
    # Which knows the flags of the program that it starts.
    tasks/launch:     core core/io data tasks/log tasks/options tasks/pretraining tasks
    tasks/records:    core core/io data tasks/log tasks/text tasks/options tasks
    tasks/checkpoints: core core/io data nn nn/checkpoints tasks/log tasks/help tasks/options tasks
    # Which know all tasks.
    tasks/export:     core core/io data nn nn/checkpoints nn/export tasks/log tasks/options tasks/model tasks/classifier
                      tasks/ner tasks/squad tasks

    tasks/infer:      core core/io data tasks/log tasks/help tasks/options tasks/metrics tasks/model tasks/classifier tasks/ner tasks/squad
                      tasks

    tests/**:         *
  )");
}

std::vector<CostlyHeader> costly_headers() {
  return {{"nlohmann/json.hpp", {"core/io/json.cpp"}, "core/io/json.h"},
          {"fmt/format.h", {}, "fmt/core.h, or core/joined.h for lists"},
          {"fmt/ranges.h", {}, "core/joined.h"},
          {"httplib.h",
           {"tasks/serve/request_handler.cpp", "tests/serve/client.cpp"},
           "tasks/serve/request_handler.h"},
          {"CLI/CLI.hpp", {"tasks/options/arguments.cpp"}, "tasks/options/arguments.h"}};
}

}  // namespace gradus::house
