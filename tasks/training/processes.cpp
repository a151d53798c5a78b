#include "tasks/training/processes.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <thread>
#include <vector>

#include "core/backend.h"
#include "core/io/crc32c.h"
#include "tasks/log/log.h"

namespace gradus {
namespace {

std::unique_ptr<Communicator>& joined_ones() {
  static std::unique_ptr<Communicator> communicator;
  return communicator;
}

std::vector<std::byte> host_bytes(const Tensor& tensor) {
  std::vector<std::byte> bytes(tensor.bytes());
  tensor.backend().copy_to_host(tensor, bytes.data());
  return bytes;
}

}  // namespace

Communicator& processes() {
  static OneProcess alone;
  return joined_ones() ? *joined_ones() : alone;
}

void join_processes(const TrainOptions& options) {
  if (!options.distribute) {
    check(!options.do_train || !is_one_of_several(),
          "several processes were started, and each would train a model of its own: add --distribute to "
          "train one on all "
          "of them");
    return;
  }
  joined_ones() = join_processes(std::chrono::seconds(options.timeout_s));
  if (!joined_ones())
    print_log(stderr,
              "note: --distribute: no launcher has started this process, it is alone: mpirun -n N starts N "
              "of them\n");
  if (!leads()) speak_for_errors_alone(fmt::format("rank {}", processes().rank()));
}

int threads_of_process(int threads) {
  const int processes_here = processes().local_size();
  cpu_set_t mine;
  if (processes_here == 1 || ::sched_getaffinity(0, sizeof mine, &mine) != 0) return threads;
  const bool has_its_own = CPU_COUNT(&mine) < ::sysconf(_SC_NPROCESSORS_ONLN);
  return has_its_own ? threads : std::max(1, threads / processes_here);
}

void leave_processes() { joined_ones().reset(); }

void let_first_process_speak() {
  if (launched_rank() > 0) std::this_thread::sleep_for(std::chrono::seconds(3));
}

void abandon_processes(int status) {
  if (processes().size() > 1) processes().abandon(status);
}

void broadcast(Communicator& communicator, const Tensor& tensor) {
  if (communicator.size() == 1) return;
  std::vector<std::byte> bytes = host_bytes(tensor);
  communicator.broadcast(bytes);
  tensor.backend().copy_from_host(bytes.data(), tensor);
}

void check_same(Communicator& communicator, uint32_t checksum, const std::string& what) {
  uint32_t first = checksum;
  communicator.broadcast(std::as_writable_bytes(std::span(&first, 1)));
  check(first == checksum, "{} differ from those of rank 0", what);
}

void check_same(Communicator& communicator, const Tensor& tensor, const std::string& what) {
  if (communicator.size() == 1) return;
  const std::vector<std::byte> bytes = host_bytes(tensor);
  check_same(communicator, crc32c({reinterpret_cast<const char*>(bytes.data()), bytes.size()}), what);
}

}  // namespace gradus
