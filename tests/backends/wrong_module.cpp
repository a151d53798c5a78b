// A library that looks like a backend module and is none for this program. Its backend must never be asked for.
#include <cstdlib>

#ifndef UNVERSIONED
extern "C" __attribute__((visibility("default"))) const char* gradus_backend_interface() { return INTERFACE; }
#endif

extern "C" __attribute__((visibility("default"))) void* gradus_create_backend() { std::abort(); }
