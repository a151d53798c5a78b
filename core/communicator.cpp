#include "core/communicator.h"

#include <dlfcn.h>

#include "core/module.h"

namespace gradus {
namespace {

// The number of processes, or of this one among them, in the environment that a launcher gives; null without.
const char* from_launcher(std::initializer_list<const char*> names) {
  for (const char* name : names) {
    if (const char* value = std::getenv(name)) return value;
  }
  return nullptr;
}

}  // namespace

bool is_one_of_several() {
  const char* const size = from_launcher({"OMPI_COMM_WORLD_SIZE", "PMI_SIZE"});
  return size != nullptr && std::string_view(size) != "1";
}

int launched_rank() {
  if (!is_one_of_several()) return 0;
  const char* const rank = from_launcher({"OMPI_COMM_WORLD_RANK", "PMI_RANK"});
  return rank != nullptr ? std::atoi(rank) : 0;
}

std::unique_ptr<Communicator> join_processes(std::chrono::seconds timeout) {
  if (from_launcher({"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK"}) == nullptr) return nullptr;
  const std::filesystem::path path = module_path("mpi", "mpi");
  check(!path.empty(),
        "--distribute: this program was built without Open MPI: install libopenmpi-dev and openmpi-bin, set "
        "up a new "
        "build folder and build again");
  // Open MPI loads parts of itself, which look for the rest among what is global.
  void* const module = open_module(path.string(), RTLD_GLOBAL);
  return std::unique_ptr<Communicator>(find_function<Communicator*(std::chrono::seconds)>(
      module, "gradus_join_processes", path.string())(timeout));
}

}  // namespace gradus
