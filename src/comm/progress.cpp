#include "comm/progress.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"

namespace hpml::comm {

namespace {

struct Choice {
    Progress progress;
    std::string reason;
};

std::string counted(int count, const char* what) {
    return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

Choice choose(const ProgressFacts& facts) {
    if (facts.ranks == 1) {
        return {Progress::Inline, "one rank has nothing to communicate"};
    }
    if (facts.wish == ProgressWish::Inline) {
        return {Progress::Inline, "as asked"};
    }
    const bool wants_thread =
        facts.wish == ProgressWish::Thread || facts.wish == ProgressWish::Background;
    if (!facts.multiple && wants_thread) {
        throw ResourceError(
            "a communication thread is asked for (--progress), but this MPI allows one thread at a "
            "time (a communication thread calls it while others may); use --progress inline, or an "
            "MPI library built with thread support");
    }
    if (wants_thread) {
        return {facts.wish == ProgressWish::Thread ? Progress::Thread : Progress::Background,
                "as asked"};
    }
    if (!facts.multiple) {
        return {Progress::Inline, "MPI allows one thread at a time"};
    }
    const int share =
        facts.exclusive ? facts.cores : facts.cores / std::max(1, facts.ranks_on_node);
    const std::string load = fmt::format("{} for {}", counted(share, "core"),
                                         counted(facts.compute_threads, "compute thread"));
    if (share > facts.compute_threads) {
        return {Progress::Thread, load};
    }
    if (facts.ranks > facts.ranks_on_node) {
        // Beside one computing thread, one that gives its core away whenever it waits moves
        // messages on sooner than one that sleeps. Of several computing threads it would hold up
        // all.
        return {facts.compute_threads == 1 ? Progress::Thread : Progress::Background,
                load + ": none free, and messages between nodes to move on"};
    }
    return {Progress::Inline, load + ": none free for a communication thread"};
}

}  // namespace

Progress choose_progress(const ProgressFacts& facts) { return choose(facts).progress; }

std::string explain(const ProgressFacts& facts) {
    const Choice choice = choose(facts);
    return fmt::format("{} ({})", to_text(choice.progress), choice.reason);
}

std::string to_text(Progress progress) {
    return progress == Progress::Thread       ? "thread"
           : progress == Progress::Background ? "background"
                                              : "inline";
}

}  // namespace hpml::comm
