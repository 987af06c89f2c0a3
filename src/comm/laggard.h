#pragma once

#include <string>
#include <vector>

#include "base/units.h"
#include "comm/node_channel.h"

namespace hpml::comm {

/// A rank that is behind, and how.
struct Laggard {
    RankState state;
    int on_node = -1;              ///< its rank on this node; -1: it is on another one
    std::string host;              ///< of another node
    bool speaks_for_host = false;  ///< nothing is heard of the whole host, whose leader it is

    [[nodiscard]] bool is_silent() const { return state.silent_seconds > 0; }
};

/// A wait as the rank that waits sees it.
struct OwnWait {
    std::string what;  ///< e.g. "the sums of the gradients of step 812"
    RankState state;   ///< of the rank that waits
    Seconds waited;
    bool sees_all = true;  ///< it would know of every rank that is behind
};

/// For people: who is behind with what, e.g. "waiting for the sums of the gradients of step 812 for
/// 120.0 s: rank 2 on node07 has not entered all-reduce bucket 3 of step 812".
[[nodiscard]] std::string describe(const std::vector<Laggard>& behind, const OwnWait& wait);

}  // namespace hpml::comm
