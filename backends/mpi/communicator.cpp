// Processes that Open MPI has started together.
//
// One thread makes all calls of MPI. It begins a sum, looks whether it is done and sleeps in between: a blocking call would
// keep a processor busy that others compute on, and Open MPI moves nothing while nobody calls it. Between the looks it tells
// the other processes that this one is alive, and hears the same of them.
#include <mpi.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "core/backend.h"
#include "core/communicator.h"
#include "core/interface_version.h"

namespace gradus {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr auto between_looks = std::chrono::microseconds(20);
constexpr auto between_beats = milliseconds(200);
constexpr size_t most_bytes = size_t{1} << 30;  // of a call: MPI counts in int
constexpr size_t ring_bytes = size_t{1} << 16;  // from which on a sum goes round in a ring

void check_mpi(int status, const char* call) {
  if (status == MPI_SUCCESS) return;
  std::array<char, MPI_MAX_ERROR_STRING> text{};
  int length = 0;
  MPI_Error_string(status, text.data(), &length);
  fail("[mpi] {}: {}", call, text.data());
}

// Writes a line on standard error in one piece: several processes may share it.
void say(const std::string& line) {
  [[maybe_unused]] const auto written = ::write(2, line.data(), line.size());
}

// A call that goes on step by step: true when it is done.
using Advance = std::function<bool()>;

// A call of MPI that does not block: `begin` gives it the request to be done.
template <typename Begin>
Advance one_call(const char* name, Begin&& begin) {
  MPI_Request request = MPI_REQUEST_NULL;
  check_mpi(begin(&request), name);
  return [name, request]() mutable {
    int done = 0;
    check_mpi(MPI_Test(&request, &done, MPI_STATUS_IGNORE), name);
    return done != 0;
  };
}

// Sums a few numbers.
Advance sum_in_place(void* numbers, int64_t count, MPI_Datatype type) {
  return one_call("MPI_Iallreduce", [&](MPI_Request* request) {
    return MPI_Iallreduce(MPI_IN_PLACE, numbers, static_cast<int>(count), type, MPI_SUM, MPI_COMM_WORLD,
                          request);
  });
}

// Sums many numbers over the processes in a ring: each gives its neighbour a part of them, adds what it gets to its own, and
// gives that on; then the sums go round in the same way. Every link is used both ways all the time, for 2 (k - 1) / k of the
// numbers, and all processes get the same bits. Patarasuk & Yuan 2009, "Bandwidth optimal all-reduce algorithms".
// (MPI_Iallreduce of Open MPI 4.1 takes twice as long over a network.)
class RingSum {
 public:
  RingSum(Tensor tensor, int rank, int size)
      : tensor_(std::move(tensor)), rank_(rank), size_(size), incoming_(part(0).size() + 1) {
    begin();
  }

  bool advance() {
    int done = 0;
    check_mpi(MPI_Testall(2, requests_.data(), &done, MPI_STATUSES_IGNORE), "MPI_Testall");
    if (done == 0) return false;
    if (adds()) {
      const std::span<float> sums = part(received());
      for (size_t i = 0; i < sums.size(); ++i) sums[i] += incoming_[i];
    }
    if (++step_ == 2 * (size_ - 1)) return true;
    begin();
    return false;
  }

 private:
  static constexpr int tag = 2;
  // The first half of the steps adds, the second passes sums on.
  bool adds() const { return step_ < size_ - 1; }
  // Part i of the numbers, counted round the ring.
  std::span<float> part(int i) const {
    const int64_t number = ((i % size_) + size_) % size_, count = tensor_.elements();
    const int64_t begin = count * number / size_, end = count * (number + 1) / size_;
    return {tensor_.data<float>() + begin, static_cast<size_t>(end - begin)};
  }
  int sent() const { return adds() ? rank_ - step_ : rank_ + 1 - (step_ - (size_ - 1)); }
  int received() const { return sent() - 1; }

  void begin() {
    const std::span<float> out = part(sent()), in = part(received());
    check_mpi(MPI_Irecv(adds() ? incoming_.data() : in.data(), static_cast<int>(in.size()), MPI_FLOAT,
                        (rank_ + size_ - 1) % size_, tag, MPI_COMM_WORLD, &requests_[0]),
              "MPI_Irecv");
    check_mpi(MPI_Isend(out.data(), static_cast<int>(out.size()), MPI_FLOAT, (rank_ + 1) % size_, tag,
                        MPI_COMM_WORLD, &requests_[1]),
              "MPI_Isend");
  }

  Tensor tensor_;
  int rank_, size_;
  std::vector<float> incoming_;  // no part is longer than the first by more than one
  int step_ = 0;
  std::array<MPI_Request, 2> requests_{MPI_REQUEST_NULL, MPI_REQUEST_NULL};
};

// Signs of life. Process 0 gives them to all others and hears those of all; the others know process 0 alone.
class Watch {
 public:
  Watch(int rank, int size, std::chrono::seconds timeout, std::vector<std::string> names)
      : rank_(rank), timeout_(timeout), names_(std::move(names)) {
    for (int other = 0; other < size; ++other) {
      if (other != rank && (rank == 0 || other == 0)) peers_.push_back({.rank = other});
    }
    for (Peer& peer : peers_) listen(peer);
  }

  // To be called often. Returns the process that has not been heard of for so long that it is taken for lost, or -1.
  int look(Clock::time_point now) {
    if (now < next_) return -1;
    // Where this process itself stood still, as in a debugger, the silence says nothing of others.
    if (now > next_ + timeout_ / 2)
      for (Peer& peer : peers_) peer.heard = now;
    next_ = now + between_beats;
    int lost = -1;
    for (Peer& peer : peers_) {
      int done = 0;
      check_mpi(MPI_Test(&peer.sent, &done, MPI_STATUS_IGNORE), "MPI_Test");
      if (done != 0)
        check_mpi(MPI_Isend(&beat_, 1, MPI_INT, peer.rank, tag, MPI_COMM_WORLD, &peer.sent), "MPI_Isend");
      for (done = 1; done != 0;) {
        check_mpi(MPI_Test(&peer.received, &done, MPI_STATUS_IGNORE), "MPI_Test");
        if (done == 0) break;
        peer.heard = now;
        listen(peer);
      }
      if (lost < 0 && now - peer.heard > timeout_) lost = peer.rank;
    }
    return lost;
  }

  // One process says what has happened: process 0, or where it is the lost one, the first that gets to it.
  std::string message(int lost) const {
    std::this_thread::sleep_for(milliseconds(300) * std::min(rank_ > 0 ? rank_ - 1 : 0, 10));
    return fmt::format(
        "error: {} has not been heard of for {} s: all end; --resume goes on from the last checkpoint\n",
        names_[static_cast<size_t>(lost)], timeout_.count());
  }

 private:
  static constexpr int tag = 1;
  struct Peer {
    int rank = 0;
    MPI_Request sent = MPI_REQUEST_NULL, received = MPI_REQUEST_NULL;
    Clock::time_point heard = Clock::now();
  };
  void listen(Peer& peer) {
    check_mpi(MPI_Irecv(&heard_, 1, MPI_INT, peer.rank, tag, MPI_COMM_WORLD, &peer.received), "MPI_Irecv");
  }

  int rank_;
  std::chrono::seconds timeout_;
  std::vector<std::string> names_;
  std::deque<Peer> peers_;  // where they are they stay
  int beat_ = 0, heard_ = 0;
  Clock::time_point next_ = Clock::now();
};

class MpiCommunicator final : public Communicator {
 public:
  explicit MpiCommunicator(std::chrono::seconds timeout) : timeout_(timeout), thread_([this] { run(); }) {
    std::unique_lock lock(guard_);
    changed_.wait(lock, [&] { return is_ready_ || error_; });
    if (!error_) return;
    lock.unlock();
    thread_.join();
    std::rethrow_exception(error_);
  }
  ~MpiCommunicator() override {
    {
      const std::lock_guard lock(guard_);
      device_sums_.reset();
      leaves_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }

  int rank() const override { return rank_; }
  int size() const override { return size_; }
  int local_size() const override { return local_size_; }
  int local_rank() const override { return local_rank_; }

  void join_devices(Backend& backend) override {
    if (size_ == 1) return;
    std::unique_ptr<DeviceSums> joined = backend.sums_over(*this);
    const std::lock_guard lock(guard_);
    device_sums_ = std::move(joined);
  }
  void begin_sum(const Tensor& tensor) override {
    if (device_sums_ != nullptr) return device_sums_->begin(tensor);
    if (size_ == 1) return;
    check(tensor.backend().name() == "CPU", "[mpi] a tensor on {}: expected one on the CPU",
          tensor.backend().name());
    check(tensor.dtype() == DType::float32, "[mpi] a sum of {}: expected float32", name_of(tensor.dtype()));
    if (tensor.bytes() >= ring_bytes) {
      const int64_t rows = tensor.elements(), most = static_cast<int64_t>(most_bytes / sizeof(float));
      for (int64_t begin = 0; begin < rows; begin += most) {
        const int64_t count = std::min(most, rows - begin);
        post("all-reduce", static_cast<size_t>(count) * sizeof(float),
             [this, part = tensor.view(begin, {count})]() -> Advance {
               return [ring = std::make_shared<RingSum>(part, rank_, size_)] { return ring->advance(); };
             });
      }
      return;
    }
    post("all-reduce", tensor.bytes(),
         [tensor] { return sum_in_place(tensor.raw(), tensor.elements(), MPI_FLOAT); });
  }
  void wait() override {
    if (device_sums_ != nullptr) device_sums_->end();
    wait_for_jobs();
  }
  void sum(std::span<double> numbers) override {
    post("sum", numbers.size_bytes(),
         [numbers] { return sum_in_place(numbers.data(), std::ssize(numbers), MPI_DOUBLE); });
    wait_for_jobs();
  }
  void broadcast(std::span<std::byte> bytes) override {
    for (size_t begin = 0; begin < bytes.size(); begin += most_bytes) {
      const std::span<std::byte> part = bytes.subspan(begin, std::min(most_bytes, bytes.size() - begin));
      post("broadcast", part.size(), [part] {
        return one_call("MPI_Ibcast", [&](MPI_Request* request) {
          return MPI_Ibcast(part.data(), static_cast<int>(part.size()), MPI_BYTE, 0, MPI_COMM_WORLD, request);
        });
      });
    }
    wait_for_jobs();
  }
  void barrier() override {
    post("barrier", 0, begin_barrier);
    wait_for_jobs();
  }

  [[noreturn]] void abandon(int status) override {
    {
      const std::lock_guard lock(guard_);
      abandoned_ = status;
    }
    changed_.notify_all();
    std::this_thread::sleep_for(std::chrono::seconds(5));  // where MPI itself can't go on, this ends it
    std::_Exit(status);
  }

  void observe(std::function<void(const Call&)> observer) override {
    const std::lock_guard lock(guard_);
    observer_ = std::move(observer);
  }

 private:
  struct Job {
    const char* name;
    size_t bytes;
    std::function<Advance()> begin;
  };
  void wait_for_jobs() {
    std::unique_lock lock(guard_);
    is_waited_for_ = true;
    changed_.wait(lock, [&] { return finished_ == posted_ || error_; });
    is_waited_for_ = false;
    if (error_) std::rethrow_exception(error_);
  }

  static Advance begin_barrier() {
    return one_call("MPI_Ibarrier",
                    [](MPI_Request* request) { return MPI_Ibarrier(MPI_COMM_WORLD, request); });
  }

  void post(const char* name, size_t bytes, std::function<Advance()> begin) {
    {
      const std::lock_guard lock(guard_);
      if (error_) std::rethrow_exception(error_);
      jobs_.push_back({name, bytes, std::move(begin)});
      ++posted_;
    }
    changed_.notify_all();
  }

  // --- the thread ---
  void run() {
    try {
      start();
      while (serve()) {
      }
      MPI_Finalize();
    } catch (...) {
      const std::lock_guard lock(guard_);
      error_ = std::current_exception();
    }
    changed_.notify_all();
  }

  void start() {
    int provided = 0;
    check_mpi(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided), "MPI_Init_thread");
    check_mpi(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
    MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
    MPI_Comm_size(MPI_COMM_WORLD, &size_);
    MPI_Comm local = MPI_COMM_NULL;
    check_mpi(MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, rank_, MPI_INFO_NULL, &local),
              "MPI_Comm_split_type");
    MPI_Comm_size(local, &local_size_);
    MPI_Comm_rank(local, &local_rank_);
    MPI_Comm_free(&local);

    constexpr size_t length = 200;
    std::vector<char> all(length * static_cast<size_t>(size_));
    std::array<char, length> host{}, mine{};
    ::gethostname(host.data(), host.size() - 1);
    std::string name = fmt::format("rank {} (host {}, process {})", rank_, host.data(), ::getpid());
    name.resize(std::min(name.size(), length - 1));
    std::copy(name.begin(), name.end(), mine.begin());
    check_mpi(MPI_Allgather(mine.data(), length, MPI_CHAR, all.data(), length, MPI_CHAR, MPI_COMM_WORLD),
              "MPI_Allgather");
    std::vector<std::string> names;
    for (size_t i = 0; i < all.size(); i += length) names.emplace_back(all.data() + i);
    watch_.emplace(rank_, size_, timeout_, std::move(names));

    {
      const std::lock_guard lock(guard_);
      is_ready_ = true;
    }
    changed_.notify_all();
  }

  // Does the next job, or waits a little for one; false when the process leaves.
  bool serve() {
    Job job{};
    std::function<void(const Call&)> observer;
    {
      std::unique_lock lock(guard_);
      changed_.wait_for(lock, between_beats / 4,
                        [&] { return !jobs_.empty() || leaves_ || abandoned_ != 0; });
      if (abandoned_ != 0) MPI_Abort(MPI_COMM_WORLD, abandoned_);
      if (!jobs_.empty()) {
        job = std::move(jobs_.front());
        jobs_.pop_front();
      } else if (leaves_) {
        // Others may still have much to do: they are waited for here, for waiting in MPI_Finalize is busy.
        job = {"leave", 0, begin_barrier};
      }
      observer = observer_;
    }
    if (!job.begin) {
      look();
      return true;
    }
    const bool last = std::string_view(job.name) == "leave";
    const Clock::time_point begin = Clock::now();
    const Advance advance = job.begin();
    while (!advance()) {
      look();
      // Where the process has nothing to compute until this is done, its processor is free.
      if (last) std::this_thread::sleep_for(milliseconds(10));
      else if (is_waited_for_) std::this_thread::yield();
      else std::this_thread::sleep_for(between_looks);
    }
    if (observer) observer({job.name, job.bytes, begin, Clock::now()});
    if (last) return false;
    {
      const std::lock_guard lock(guard_);
      ++finished_;
    }
    changed_.notify_all();
    return true;
  }

  void look() {
    if (abandoned_ != 0) MPI_Abort(MPI_COMM_WORLD, abandoned_);
    const Clock::time_point now = Clock::now();
    const int lost = watch_->look(now);
    std::string message;
    if (lost >= 0) message = watch_->message(lost);
    else if (now >= next_look_at_devices_) {
      next_look_at_devices_ = now + between_beats;
      const std::unique_lock lock(guard_, std::try_to_lock);
      if (lock && device_sums_ != nullptr) message = device_sums_->error();
      if (!message.empty())
        message = fmt::format("error: rank {}: {}: all end; --resume goes on from the last checkpoint\n",
                              rank_, message);
    }
    if (message.empty()) return;
    say(message);
    // The launcher may be out of reach as well.
    std::thread([] {
      std::this_thread::sleep_for(std::chrono::seconds(3));
      std::_Exit(2);
    }).detach();
    MPI_Abort(MPI_COMM_WORLD, 2);
  }

  std::chrono::seconds timeout_;
  int rank_ = 0, size_ = 1, local_size_ = 1, local_rank_ = 0;
  // Of the thread alone.
  std::optional<Watch> watch_;
  Clock::time_point next_look_at_devices_{};

  std::mutex guard_;
  std::unique_ptr<DeviceSums> device_sums_;  // null: tensors lie in the machine's memory
  std::condition_variable changed_;
  std::deque<Job> jobs_;
  int64_t posted_ = 0, finished_ = 0;
  bool is_ready_ = false, leaves_ = false;
  std::atomic<int> abandoned_ = 0;  // the status to end with
  std::atomic<bool> is_waited_for_ = false;
  std::exception_ptr error_;
  std::function<void(const Call&)> observer_;
  std::thread thread_;  // last: it starts when all else is there
};

}  // namespace
}  // namespace gradus

extern "C" __attribute__((visibility("default"))) const char* gradus_backend_interface() {
  return GRADUS_BACKEND_INTERFACE;
}
extern "C" __attribute__((visibility("default"))) gradus::Communicator* gradus_join_processes(
    std::chrono::seconds timeout) {
  return new gradus::MpiCommunicator(timeout);
}
