#include "comm/laggard.h"

#include <fmt/format.h>

namespace hpml::comm {

namespace {

std::string how(const Laggard& one, const OwnWait& wait) {
    const RankState& state = one.state;
    if (one.speaks_for_host) {
        return fmt::format(
            ", which speaks for its host, has not been heard of for {:.1f} s (stopped or dead, or "
            "the network is down)",
            state.silent_seconds);
    }
    if (one.is_silent()) {
        return fmt::format(" shows no sign of life since {:.1f} s (stopped, swapped out or dead)",
                           state.silent_seconds);
    }
    if (state.step == wait.state.step && state.buckets < wait.state.buckets) {
        return fmt::format(" has not entered all-reduce bucket {} of step {}", state.buckets,
                           state.step + 1);
    }
    return state.step < wait.state.step ? fmt::format(" has not left step {}", state.step + 1)
                                        : " has not come there";
}

}  // namespace

std::string describe(const std::vector<Laggard>& behind, const OwnWait& wait) {
    std::string text = fmt::format("waiting for {} for {:.1f} s: ", wait.what, wait.waited.value);
    if (behind.empty()) {
        return text + (wait.sees_all ? "no rank is behind (the network?)"
                                     : "no rank of this node is behind, but one of another node");
    }
    for (std::size_t i = 0; i < behind.size(); ++i) {
        const Laggard& one = behind[i];
        text += fmt::format("{}rank {}{}{}", i == 0 ? "" : ", ", one.state.rank,
                            one.host.empty() ? "" : " on " + one.host, how(one, wait));
    }
    return text;
}

}  // namespace hpml::comm
