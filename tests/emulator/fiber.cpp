#include "tests/emulator/fiber.h"

#include <sys/mman.h>
#include <unistd.h>

#include <exception>
#include <utility>

#include "core/error.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if !defined(__x86_64__)
#include <ucontext.h>
#endif

namespace gradus::emulator {
namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr size_t stack_bytes = size_t{512} << 10;  // frames are several times as large
#else
constexpr size_t stack_bytes = size_t{128} << 10;
#endif

#if defined(__x86_64__)
// The registers that a function has to keep lie on its stack while it doesn't run; what is left of a context is the stack's pointer.
// ucontext would ask the kernel twice for every switch, for the mask of signals.
using Context = void*;

extern "C" void gradus_switch_stacks(Context* from, Context to);
asm(R"(
.text
.globl gradus_switch_stacks
.type gradus_switch_stacks, @function
gradus_switch_stacks:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size gradus_switch_stacks, . - gradus_switch_stacks
)");

void switch_contexts(Context& from, Context& to) { gradus_switch_stacks(&from, to); }

// A context that begins with `entry`, which never returns.
void prepare(Context& context, std::byte* stack, void (*entry)()) {
  auto* top = reinterpret_cast<void**>(stack + stack_bytes);
  *--top = nullptr;  // where the entry would return to; it keeps the stack aligned as behind a call
  *--top = reinterpret_cast<void*>(entry);
  for (int i = 0; i < 6; ++i) *--top = nullptr;
  context = top;
}
#else
using Context = ucontext_t;

void switch_contexts(Context& from, Context& to) { swapcontext(&from, &to); }

void prepare(Context& context, std::byte* stack, void (*entry)()) {
  getcontext(&context);
  context.uc_stack.ss_sp = stack;
  context.uc_stack.ss_size = stack_bytes;
  context.uc_link = nullptr;
  makecontext(&context, entry, 0);
}
#endif

}  // namespace

struct Fiber::State {
  std::byte* stack = nullptr;
  Context own{}, caller{};
  std::function<void()> work;
  std::exception_ptr error;
  bool is_prepared = false, ended = true;
  // What the address sanitizer has to know of stacks.
  void* own_shadow = nullptr;
  void* caller_shadow = nullptr;
  const void* caller_bottom = nullptr;
  size_t caller_bytes = 0;

  static State* running;

  // Of a fiber that never ended the sanitizer would take frames for alive, wherever the memory is used next.
  void forget_frames() {
#if defined(__SANITIZE_ADDRESS__)
    __asan_unpoison_memory_region(stack, stack_bytes);
#endif
  }

  void go_in() {
    State* const before = running;
    running = this;
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_start_switch_fiber(&caller_shadow, stack, stack_bytes);
#endif
    switch_contexts(caller, own);
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(caller_shadow, nullptr, nullptr);
#endif
    running = before;
    if (error) std::rethrow_exception(std::exchange(error, nullptr));
  }

  void go_out() {
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_start_switch_fiber(&own_shadow, caller_bottom, caller_bytes);
#endif
    switch_contexts(own, caller);
    arrive();
  }

  // On the fiber's stack, which was just switched to.
  void arrive() {
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(own_shadow, &caller_bottom, &caller_bytes);
#endif
  }

  // One work after the other: the stack, and what the sanitizer has made for it, serves all.
  static void run() {
    State& self = *running;
    self.arrive();
    for (;;) {
      try {
        self.work();
      } catch (...) {
        self.error = std::current_exception();
      }
      self.ended = true;
      self.go_out();
    }
  }
};

Fiber::State* Fiber::State::running = nullptr;

Fiber::Fiber() : state_(std::make_unique<State>()) {
  // The page below is none of the process's: a stack that grows too far is noticed.
  const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  void* const block =
      ::mmap(nullptr, page + stack_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  check(block != MAP_FAILED, "[emulated device] no memory for another thread's stack");
  ::mprotect(block, page, PROT_NONE);
  state_->stack = static_cast<std::byte*>(block) + page;
}

Fiber::~Fiber() {
  state_->forget_frames();
  const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  ::munmap(state_->stack - page, page + stack_bytes);
}

void Fiber::start(std::function<void()> work) {
  check(state_->ended, "[emulated device] a fiber is started that has not ended");
  state_->work = std::move(work);
  state_->ended = false;
  if (!std::exchange(state_->is_prepared, true)) prepare(state_->own, state_->stack, State::run);
  state_->go_in();
}

void Fiber::enter() { state_->go_in(); }
void Fiber::leave() { State::running->go_out(); }
bool Fiber::has_ended() const { return state_->ended; }

}  // namespace gradus::emulator
