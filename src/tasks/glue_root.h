#pragma once

#include <functional>

#include "mpi/communicator.h"

namespace hpml::tasks {

/// Run `work` on rank 0 while the others wait. If it throws, every rank throws the same error,
/// without a rank's number in front: it is nobody's in particular. Collective; `work` itself must
/// not communicate.
void on_root(const mpi::Communicator& ranks, const std::function<void()>& work);

}  // namespace hpml::tasks
