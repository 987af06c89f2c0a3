#pragma once

#include <cstdint>
#include <string>

#include "comm/engine.h"

namespace hpml::comm {

/// What the option `progress` may be.
enum class ProgressWish : std::uint8_t { Auto, Thread, Background, Inline };

/// What decides who drives the communication of this rank.
struct ProgressFacts {
    int ranks = 1;            ///< of the job
    int ranks_on_node = 1;    ///< that share this rank's node
    int cores = 1;            ///< in this rank's affinity mask
    bool exclusive = false;   ///< no other rank of the node has a core of this mask
    int compute_threads = 1;  ///< with which this rank computes
    bool multiple = true;     ///< MPI_THREAD_MULTIPLE was given
    ProgressWish wish = ProgressWish::Auto;
};

/// What was wished; else a communication thread where a core is free for it. Without one: between
/// nodes a thread beside a single computing one and Background beside several, for messages must be
/// moved on while the ranks compute; within a node Inline, for there a sum takes the core whoever
/// makes it.
/// @throw ResourceError for a thread where MPI does not allow one
[[nodiscard]] Progress choose_progress(const ProgressFacts& facts);

/// The choice and its reason in one line for the banner, e.g. "inline (1 core for 1 compute thread:
/// none free for a communication thread)".
[[nodiscard]] std::string explain(const ProgressFacts& facts);

/// "inline", "thread" or "background".
[[nodiscard]] std::string to_text(Progress progress);

}  // namespace hpml::comm
