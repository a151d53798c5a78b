// Training on several processes: this one's place among them.
#pragma once

#include "core/communicator.h"
#include "tasks/options/train_options.h"

namespace gradus {

// Those that train together: this process alone, until join() has found others.
Communicator& processes();
// Whether this process is the one that reads checkpoints, scores, writes and tells.
inline bool leads() { return processes().rank() == 0; }

// Joins the processes that a launcher has started with this one, where --distribute says so. All but process 0 fall silent, but
// for errors. Throws Error where training is wanted, there are several, and --distribute is not given.
void join_processes(const TrainOptions& options);

// How many threads a process computes with where --threads leaves it open and the backend would take `threads`: processes on one
// machine share its processors, unless their launcher has given each its own.
int threads_of_process(int threads);

// What a process does at its end, when all went well: waits until the others have come there too.
void leave_processes();
// What one does that failed, before it says why: process 0 is given time to tell its own error first, which often is the same,
// and with which all end.
void let_first_process_speak();
// Behind that: the others can't go on without this one, and end as well. Does nothing in a process of its own.
void abandon_processes(int status);

// Gives all processes what process 0 holds.
void broadcast(Communicator& communicator, const Tensor& tensor);
// Throws Error where process 0 holds other bytes than this one; `what` they are goes into the message. All call it.
void check_same(Communicator& communicator, uint32_t checksum, const std::string& what);
void check_same(Communicator& communicator, const Tensor& tensor, const std::string& what);

}  // namespace gradus
