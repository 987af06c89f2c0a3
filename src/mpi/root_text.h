#pragma once

#include <functional>
#include <string>
#include <utility>

#include "mpi/communicator.h"

namespace hpml::mpi {

/// What `work` returns on rank 0, which alone runs it, for every rank: a file is read once, and all
/// speak of the same bytes. Collective.
/// @throw on every rank what `work` throws on rank 0, as on_root
[[nodiscard]] inline std::string text_of_root(const Communicator& ranks,
                                              const std::function<std::string()>& work) {
    std::string text;
    on_root(ranks, [&] { text = work(); });
    return ranks.broadcast(std::move(text));
}

}  // namespace hpml::mpi
