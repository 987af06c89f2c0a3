#pragma once

#include <string>

#include "base/json.h"
#include "base/units.h"
#include "comm/all_reduce_options.h"
#include "mpi/communicator.h"

namespace hpml::comm {

struct EngineBenchOptions {
    AllReduceOptions all_reduce;
    Bytes bucket = mib(8);
    int buckets = 8;  ///< of the arena
    int steps = 10;   ///< before memory is looked at
    Seconds idle{5};
};

/// What an engine costs beside its all-reduces; of the rank that pays most.
struct EngineBenchReport {
    std::string algorithm;
    Seconds watchdog;   ///< to set up
    Seconds choosing;   ///< the algorithm: find the nodes, share memory
    Seconds engine;     ///< its thread
    Seconds start_up;   ///< all of these; the arena's first touch is not in it
    double idle_share;  ///< of a core, engine with a thread and watchdog, nothing to do
    Bytes bucket;
    Bytes beyond_arena;  ///< memory that a rank has more after the steps, shared pages divided
                         ///< by their users, without the arena; 0 if this kernel does not tell
};

/// Set an engine with a communication thread up, take steps with it, leave it idle. Collective; the
/// same report on every rank.
[[nodiscard]] EngineBenchReport run_engine_bench(const mpi::Communicator& ranks,
                                                 const EngineBenchOptions& options);

/// Lines for people.
[[nodiscard]] std::string to_text(const EngineBenchReport& report);
/// {algorithm, start_up_seconds, ..., idle_share, beyond_arena_bytes, beyond_arena_buckets}
[[nodiscard]] Json to_json(const EngineBenchReport& report);

}  // namespace hpml::comm
