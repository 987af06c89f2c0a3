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
    if (!facts.multiple && facts.wish == ProgressWish::Thread) {
        throw ResourceError(
            "progress=thread, but this MPI allows one thread at a time (a communication thread "
            "calls it while others may); use --progress inline, or an MPI library built with "
            "thread support");
    }
    if (facts.wish == ProgressWish::Thread) {
        return {Progress::Thread, "as asked"};
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
    return {Progress::Inline, load + ": none free for a communication thread"};
}

}  // namespace

Progress choose_progress(const ProgressFacts& facts) { return choose(facts).progress; }

std::string explain(const ProgressFacts& facts) {
    const Choice choice = choose(facts);
    return fmt::format("{} ({})", to_text(choice.progress), choice.reason);
}

std::string to_text(Progress progress) {
    return progress == Progress::Thread ? "thread" : "inline";
}

}  // namespace hpml::comm
