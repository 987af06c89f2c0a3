#pragma once

#include <mpi.h>

#include <source_location>

namespace hpml::mpi {

/// Turn a failed MPI call into an exception at the call.
/// @throw BackendError with MPI's own text and the place
void check(int code, std::source_location where = std::source_location::current());

}  // namespace hpml::mpi
