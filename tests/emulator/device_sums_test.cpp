// Sums over processes through NCCL, which is a mock here: the members are threads. It shows the order of streams and calls, not the library.
#include <doctest/doctest.h>

#include <array>
#include <thread>

#include "core/communicator.h"
#include "tests/emulator/device.h"
#include "tests/emulator/emulated_backend.h"
#include "tests/emulator/nccl.h"
#include "tests/files.h"

using namespace gradus;

namespace {

// One of several that stand for processes; they are asked in the order of their numbers.
class Member final : public Communicator {
 public:
  struct Told {
    std::vector<std::byte> bytes;
    std::vector<double> sums;
  };
  Member(int rank, int size, Told& told) : rank_(rank), size_(size), told_(told) {}
  int rank() const override { return rank_; }
  int size() const override { return size_; }
  void begin_sum(const Tensor&) override {}
  void wait() override {}
  // Of those up to this one.
  void sum(std::span<double> numbers) override {
    told_.sums.resize(numbers.size());
    for (size_t i = 0; i < numbers.size(); ++i) numbers[i] = told_.sums[i] += numbers[i];
  }
  void broadcast(std::span<std::byte> bytes) override {
    if (rank_ == 0) told_.bytes.assign(bytes.begin(), bytes.end());
    else std::ranges::copy(told_.bytes, bytes.begin());
  }
  void barrier() override {}

 private:
  int rank_, size_;
  Told& told_;
};

constexpr int members = 3;
using Backends = std::array<Backend*, members>;
using Sums = std::array<std::unique_ptr<DeviceSums>, members>;

// Backends whose kernels run late, and their sums, late as well or at once.
void join(Backends& backends, Sums& sums, bool sums_are_late) {
  Member::Told told;
  for (int rank = 0; rank < members; ++rank) {
    const auto i = static_cast<size_t>(rank);
    backends[i] = late_emulated_backend().release();  // kept: its module's end is the process's
    Member member(rank, members, told);
    emulator::streams_are_late = sums_are_late;
    sums[i] = backends[i]->sums_over(member);
    emulator::streams_are_late = false;
  }
}

// Calls work(i) in a thread for each member, each when those before it wait for the others: kernels run one at a time on the emulated device.
template <typename Work>
void in_threads(Work&& work) {
  std::vector<std::thread> threads;
  for (size_t i = 0; i < members; ++i) {
    threads.emplace_back([&work, i] { work(i); });
    while (i + 1 < members && emulator::waiting_for_sums() < static_cast<int>(i) + 1)
      std::this_thread::yield();
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace

TEST_CASE("a sum over processes is of what kernels that were called before have written") {
  static Backends backends{};
  Sums sums;
  join(backends, sums, false);
  std::array<Tensor, members> tensors;
  for (size_t i = 0; i < members; ++i) {
    const Tensor x =
        Tensor::from(*backends[i], {1000}, std::vector<float>(1000, 1.0F + static_cast<float>(i)));
    tensors[i] = Tensor::empty(*backends[i], {1000});
    backends[i]->add_forward({x, x, tensors[i]});
  }
  in_threads([&](size_t i) {
    sums[i]->begin(tensors[i]);
    sums[i]->end();
  });
  for (const Tensor& tensor : tensors) CHECK(tensor.to_host() == std::vector<float>(1000, 12));
  const Tensor words = Tensor::empty(*backends[0], {4}, DType::int32);
  CHECK(contains(error_of([&] { sums[0]->begin(words); }), "a sum of int32: expected float32"));
}

TEST_CASE("what is called after sums over processes sees them, of several tensors too") {
  static Backends backends{};
  Sums sums;
  join(backends, sums, true);
  std::array<std::vector<Tensor>, members> tensors;
  for (size_t i = 0; i < members; ++i) {
    for (const int64_t count : {7, 1000}) {
      tensors[i].push_back(
          Tensor::from(*backends[i], {count},
                       std::vector<float>(static_cast<size_t>(count), 1.0F + static_cast<float>(i))));
      sums[i]->begin(tensors[i].back());
    }
    sums[i]->end();
  }
  std::array<std::vector<float>, members> found;
  in_threads([&](size_t i) { found[i] = tensors[i][1].to_host(); });
  for (const std::vector<float>& values : found) CHECK(values == std::vector<float>(1000, 6));
  for (const auto& mine : tensors) CHECK(mine[0].to_host() == std::vector<float>(7, 6));
}

TEST_CASE("processes on one device, and sums that fail, are told") {
  static Backend& backend = *late_emulated_backend().release();
  Member::Told told;
  Member first(0, 2, told), second(1, 2, told);
  const auto sums = backend.sums_over(first);
  CHECK(contains(error_of([&] { backend.sums_over(second); }), "[NCCL] ranks 0 and 1 compute on one device"));
  CHECK(sums->error().empty());
  emulator::fail_sums(true);
  CHECK(sums->error() == "[NCCL] a sum: an emulated error (its reason)");
  emulator::fail_sums(false);
}
