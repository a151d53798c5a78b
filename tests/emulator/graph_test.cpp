// Graphs of captured calls, on the emulated device: what is called runs when it is replayed, with memory that graphs share.
#include <doctest/doctest.h>

#include "data/host_batch.h"
#include "tasks/model/batch_graphs.h"
#include "tasks/ner/batch.h"
#include "tests/emulator/device.h"
#include "tests/emulator/emulated_backend.h"
#include "tests/files.h"

using namespace gradus;

namespace {

std::vector<float> values_of(const Tensor& tensor) { return tensor.to_host(); }

Tensor filled(Backend& backend, int64_t count, float value) {
  return Tensor::from(backend, {count}, std::vector<float>(static_cast<size_t>(count), value));
}

Tensor sum_of(const Tensor& a, const Tensor& b) {
  Tensor y = Tensor::empty(a.backend(), a.shape());
  a.backend().add_forward({a, b, y});
  return y;
}

}  // namespace

TEST_CASE("a graph does again what was captured, on what its inputs hold by then") {
  static Backend& late = *late_emulated_backend().release();  // kept: streams that run when somebody waits
  for (Backend* backend : {&emulated_backend(), &late}) {
    const Tensor x = filled(*backend, 100, 1), y = filled(*backend, 100, 0);
    const auto work = [&] { backend->add_forward({sum_of(x, x), x, y}); };
    backend->warm_up(work);
    CHECK(values_of(y) == std::vector<float>(100, 3));
    x.copy_from_host(std::vector<float>(100, 2));
    const auto graph = backend->capture(work);
    CHECK(values_of(y) == std::vector<float>(100, 3));  // nothing has run
    for (const float value : {2.0F, 5.0F}) {
      x.copy_from_host(std::vector<float>(100, value));
      graph->replay();
      CHECK(values_of(y) == std::vector<float>(100, 3 * value));
    }
    {
      const auto short_lived = backend->capture(work);
      short_lived->replay();
    }
    CHECK(emulator::graphs_lost == 0);
  }
}

TEST_CASE("graphs share the memory of what they let go, and nothing else takes it") {
  Backend& backend = emulated_backend();
  const Tensor x = filled(backend, 1000, 1), y = filled(backend, 1000, 0);
  // So much that what other tests left over is no room for it.
  const auto work = [&](int64_t tensors) {
    std::vector<Tensor> kept;
    for (int64_t i = 0; i < tensors; ++i) kept.push_back(sum_of(x, kept.empty() ? x : kept.back()));
    backend.add_forward({kept.back(), x, y});
  };
  const size_t before = backend.memory().current;
  backend.reset_peak();
  backend.warm_up([&] { work(8); });
  const size_t peak = backend.memory().peak;
  CHECK(peak >= before + 8 * x.bytes());
  const auto large = backend.capture([&] { work(8); }), small = backend.capture([&] { work(3); });
  CHECK(backend.memory().current == before);
  CHECK(backend.memory().peak == peak);
  const Tensor others = filled(backend, 100000, 7);
  large->replay();
  CHECK(values_of(y) == std::vector<float>(1000, 10));
  small->replay();
  CHECK(values_of(y) == std::vector<float>(1000, 5));
  CHECK(values_of(others) == std::vector<float>(100000, 7));
}

TEST_CASE("what a graph can't hold is refused, and afterwards the backend is as before") {
  Backend& backend = emulated_backend();
  const Tensor x = filled(backend, 10, 1);
  const auto check_refused = [&](const char* reason, const std::function<void()>& work) {
    CAPTURE(reason);
    CHECK(error_of([&] { backend.capture(work); }).find(reason) != std::string::npos);
    CHECK(values_of(sum_of(x, x)) == std::vector<float>(10, 2));
  };
  check_refused("a copy from or to the host", [&] { filled(backend, 10, 2); });
  check_refused("a copy from or to the host", [&] { values_of(x); });
  check_refused("a copy from or to the host", [&] { backend.begin_copy_to_host(x); });
  Tensor before;
  const auto let_go = [&] { before = {}; };
  before = filled(backend, 10, 1);
  CHECK(error_of([&] { backend.warm_up(let_go); }).find("let go") != std::string::npos);
  before = filled(backend, 10, 1);
  CHECK(error_of([&] { backend.capture(let_go); }).find("let go") != std::string::npos);
  check_refused("within another", [&] { backend.warm_up([] {}); });
  check_refused("of the work's own", [] { fail("of the work's own"); });
}

TEST_CASE("batches: the first of a form is called, the second captured, the others replayed") {
  Backend& backend = emulated_backend();
  int calls = 0;
  BatchGraphs graphs(backend, [&](const Batch& batch) {
    ++calls;
    const Tensor x = batch["x"];
    return std::vector<Tensor>{sum_of(x, x)};
  });
  const auto check_run = [&](int64_t size, float value, int calls_by_then) {
    HostBatch host;
    host.add("x", {size}, std::vector<float>(static_cast<size_t>(size), value));
    const std::vector<Tensor> results = graphs.run(host);
    REQUIRE(results.size() == 1);
    CHECK(values_of(results[0]) == std::vector<float>(static_cast<size_t>(size), 2 * value));
    CHECK(calls == calls_by_then);
  };
  check_run(10, 1, 1);
  check_run(10, 2, 2);
  check_run(20, 3, 3);
  check_run(10, 4, 3);
  check_run(20, 5, 4);
  check_run(20, 6, 4);
  check_run(10, 7, 4);
  CHECK(graphs.replays() == 3);
  // More forms than graphs: those without one are called.
  for (int64_t size = 100; size < 300; ++size) {
    check_run(size, 1, calls + 1);
    check_run(size, 2, calls + 1);
    check_run(20, 3, calls);
  }
  check_run(299, 3, calls + 1);
  // When 20 and 10 alone come for long enough, others make room.
  for (int i = 0; i < 2000; ++i) check_run(20, 4, calls);
  check_run(299, 5, calls + 1);
  check_run(299, 6, calls);
  check_run(10, 7, calls + 1);  // whose graph was the oldest
}

TEST_CASE("batches of about the same size are of one form") {
  // Sentences of so many pieces, each a word.
  const auto form_of = [](const std::vector<size_t>& lengths) {
    std::vector<NerExample> examples;
    std::vector<int32_t> chosen;
    for (const size_t length : lengths) {
      NerExample example;
      example.input_ids.assign(length, 5);
      for (size_t i = 0; i < length; ++i) example.first_pieces.push_back(static_cast<int32_t>(i));
      example.labels.assign(length, 0);
      chosen.push_back(static_cast<int32_t>(examples.size()));
      examples.push_back(std::move(example));
    }
    return pack_ner(emulated_backend(), examples, chosen).form();
  };
  CHECK(form_of({20, 13, 30}) == form_of({28, 14, 17}));
  CHECK(form_of({20, 13, 30}) != form_of({20, 13, 40}));
  CHECK(form_of({20, 13, 30}) != form_of({20, 13, 15, 15}));
}
