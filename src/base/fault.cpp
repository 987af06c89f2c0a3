#include "base/fault.h"

#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <new>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"
#include "base/fault_compiled.h"

namespace hpml {

namespace {

struct Fault {
    std::string_view kind;
    std::string_view site;
    std::int64_t step = -1;
    int rank = -1;
};

Fault parse(std::string_view text) {
    Fault fault;
    const auto at = text.find('@');
    fault.kind = text.substr(0, at);
    std::string_view rest = at == std::string_view::npos ? "" : text.substr(at + 1);
    while (!rest.empty()) {
        const auto comma = rest.find(',');
        const std::string_view item = rest.substr(0, comma);
        const auto equals = item.find('=');
        const std::string_view key = item.substr(0, equals);
        const std::string value(equals == std::string_view::npos ? "" : item.substr(equals + 1));
        if (key == "step") {
            fault.step = std::strtoll(value.c_str(), nullptr, 10);
        } else if (key == "rank") {
            fault.rank = static_cast<int>(std::strtol(value.c_str(), nullptr, 10));
        } else if (key == "site") {
            fault.site = item.substr(equals + 1);
        }
        rest = comma == std::string_view::npos ? "" : rest.substr(comma + 1);
    }
    return fault;
}

/// Until somebody kills this process for it, or 2 GiB.
void eat_memory() {
    constexpr std::size_t kBite = std::size_t{64} << 20U;
    std::vector<std::vector<char>> eaten;
    for (int i = 0; i < 32; ++i) {
        eaten.emplace_back(kBite, 'x');
    }
}

bool act_out(const Fault& fault, std::string_view site) {
    if (fault.kind == "kill") {
        ::kill(::getpid(), SIGKILL);
    } else if (fault.kind == "segv") {
        ::raise(SIGSEGV);
    } else if (fault.kind == "hup") {
        ::raise(SIGHUP);
    } else if (fault.kind == "term") {
        ::raise(SIGTERM);
    } else if (fault.kind == "usr1") {
        ::raise(SIGUSR1);
    } else if (fault.kind == "usr2") {
        ::raise(SIGUSR2);
    } else if (fault.kind == "stop") {
        ::raise(SIGSTOP);
    } else if (fault.kind == "hang") {
        ::pause();
    } else if (fault.kind == "slow") {
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    } else if (fault.kind == "exit") {
        ::_exit(0);
    } else if (fault.kind == "nomem") {
        throw std::bad_alloc();
    } else if (fault.kind == "eat") {
        eat_memory();
    } else if (fault.kind == "throw") {
        throw InputError("fault point " + std::string(site) + " was asked to fail");
    }
    return fault.kind == "nospace" || fault.kind == "nan" || fault.kind == "flip" ||
           fault.kind == "skip";
}

/// Several places are passed in one step (a hook for every tensor of it), and a fault is to come
/// once in it: those within a step, a restore or a save are meant only where they are named.
bool is_meant(const Fault& fault, std::string_view site) {
    const bool is_fine = site == "hook" || site == "gradient" || site == "replica" ||
                         site.starts_with("restore.") || site.starts_with("checkpoint.");
    return fault.site == site || (fault.site.empty() && !is_fine);
}

}  // namespace

bool has_fault_points() noexcept { return kFaultPoints; }

bool fault_point(std::string_view site, Step step, Rank rank) {
    if constexpr (!kFaultPoints) {
        return false;
    }
    const char* wanted = std::getenv("HPML_FAULT");
    bool acted = false;
    for (std::string_view rest = wanted ? wanted : ""; !rest.empty();) {
        const auto end = rest.find(';');
        const Fault fault = parse(rest.substr(0, end));
        if ((fault.step < 0 || fault.step == step.value) &&
            (fault.rank < 0 || fault.rank == rank.value) && is_meant(fault, site)) {
            acted = act_out(fault, site) || acted;
        }
        rest = end == std::string_view::npos ? "" : rest.substr(end + 1);
    }
    return acted;
}

}  // namespace hpml
