#pragma once

#include <string>

#include "mpi/communicator.h"

namespace hpml::train {

/// Refuse to start if the ranks do not agree on something: another binary, options, data.
/// Collective.
/// @param what  "options", "version", "manifest", "fusion plan"
/// @param text  this rank's
/// @throw MismatchError on every rank, naming the ranks that differ from rank 0 and the first
/// differing line
void require_same(const mpi::Communicator& ranks, const std::string& what, const std::string& text);

}  // namespace hpml::train
