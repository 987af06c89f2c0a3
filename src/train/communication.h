#pragma once

#include <filesystem>

#include "base/units.h"
#include "comm/all_reduce_options.h"
#include "comm/progress.h"
#include "comm/watchdog.h"

namespace hpml::train {

/// How the ranks of a training exchange their gradients. The same on every rank.
struct CommunicationOptions {
    comm::AllReduceOptions all_reduce;
    Bytes bucket{0};              ///< gradients that leave at once; 0: chosen for the machine
    Bytes first_bucket = mib(1);  ///< of the one that leaves first; 0: like the others
    comm::ProgressWish progress = comm::ProgressWish::Auto;
    comm::WatchdogOptions watchdog;  ///< its words go to the log
    std::filesystem::path trace;     ///< where the timeline goes; empty: there is none
};

}  // namespace hpml::train
