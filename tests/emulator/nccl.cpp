#include "tests/emulator/nccl.h"

#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

namespace {

std::atomic<int> waiting{0};
std::atomic<bool> fails{false};

// Those that sum together.
struct Group {
  explicit Group(int ranks) : members(static_cast<size_t>(ranks)) {}

  std::mutex guard;
  std::condition_variable changed;
  std::vector<std::span<float>> members;  // what each has brought to the sum in progress
  size_t came = 0, left = 0;

  // Returns when all have come and the sum is in the place of each.
  void sum(int rank, std::span<float> values) {
    std::unique_lock lock(guard);
    changed.wait(lock, [&] { return left == 0; });  // those of the sum before
    members[static_cast<size_t>(rank)] = values;
    if (++came == members.size()) {
      for (size_t i = 0; i < values.size(); ++i) {
        float total = 0;
        for (const std::span<float> member : members) {
          gradus::check(member.size() == values.size(), "[emulated NCCL] members sum {} and {} numbers",
                        member.size(), values.size());
          total += member[i];
        }
        for (const std::span<float> member : members) member[i] = total;
      }
      left = std::exchange(came, 0);
      changed.notify_all();
    } else {
      ++waiting;
      changed.wait(lock, [&] { return left > 0; });
      --waiting;
    }
    if (--left == 0) changed.notify_all();
  }
};

std::mutex guard;
std::map<std::string, std::shared_ptr<Group>> groups;

}  // namespace

int gradus::emulator::waiting_for_sums() { return waiting; }
void gradus::emulator::fail_sums(bool do_fail) { fails = do_fail; }

struct ncclComm {
  std::shared_ptr<Group> group;
  int rank;
};

const char* ncclGetErrorString(ncclResult_t result) {
  return result == ncclSuccess ? "no error" : "an emulated error";
}

const char* ncclGetLastError(ncclComm_t) { return "its reason"; }

ncclResult_t ncclGetUniqueId(ncclUniqueId* id) {
  static int count = 0;
  const std::string name = "emulated group " + std::to_string(++count);
  std::memset(id, 0, sizeof *id);
  std::memcpy(id->internal, name.data(), name.size());
  return ncclSuccess;
}

ncclResult_t ncclCommInitRank(ncclComm_t* comm, int ranks, ncclUniqueId id, int rank) {
  gradus::check(ranks > 0 && rank >= 0 && rank < ranks, "[emulated NCCL] rank {} of {}", rank, ranks);
  const std::lock_guard lock(guard);
  std::shared_ptr<Group>& group = groups[id.internal];
  if (group == nullptr) group = std::make_shared<Group>(ranks);
  gradus::check(group->members.size() == static_cast<size_t>(ranks),
                "[emulated NCCL] groups of {} and of {} members", group->members.size(), ranks);
  *comm = new ncclComm{group, rank};
  return ncclSuccess;
}

ncclResult_t ncclCommDestroy(ncclComm_t comm) {
  delete comm;
  return ncclSuccess;
}

ncclResult_t ncclCommGetAsyncError(ncclComm_t, ncclResult_t* error) {
  *error = fails ? ncclUnhandledCudaError : ncclSuccess;
  return ncclSuccess;
}

ncclResult_t ncclAllReduce(const void* send, void* receive, size_t count, ncclDataType_t type, ncclRedOp_t op,
                           ncclComm_t comm, gradus::emulator::Queue* stream) {
  gradus::check(send == receive, "[emulated NCCL] a sum that is not in place");
  gradus::check(type == ncclFloat && op == ncclSum, "[emulated NCCL] another operation than a sum of floats");
  gradus::check(!stream->is_capturing(), "[emulated NCCL] a sum within a capture");
  stream->add([=, member = *comm] { member.group->sum(member.rank, {static_cast<float*>(receive), count}); });
  return ncclSuccess;
}
