#include "train/watched_ranks.h"

#include <string>
#include <utility>

namespace hpml::train {

namespace {

comm::WatchdogOptions spoken_to(comm::WatchdogOptions options, const Log& log) {
    options.warn = [log](const std::string& text) { log.warn_local("{}", text); };
    options.fail = [log](const std::string& text) { log.error_local("{}", text); };
    return options;
}

}  // namespace

WatchedRanks::WatchedRanks(comm::WatchdogOptions options, const mpi::Communicator& ranks,
                           const Log& log)
    : watchdog_(ranks, ranks.split_by_node(), spoken_to(std::move(options), log)),
      ranks_(ranks.watched_by(watchdog_)) {
    if (!watchdog_.obstacle().empty()) {
        log.warn("{}: a rank that hangs is named to the ranks of its own node only",
                 watchdog_.obstacle());
    }
}

}  // namespace hpml::train
