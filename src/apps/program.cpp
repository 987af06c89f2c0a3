#include "apps/program.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <string_view>
#include <thread>
#include <typeinfo>
#include <vector>

#include "base/crash.h"
#include "base/fault.h"
#include "base/hash.h"
#include "base/version.h"
#include "mpi/arrival.h"
#include "mpi/check.h"
#include "mpi/environment.h"

namespace hpml {

namespace {

void print_error(const std::string& message, ColorWhen color) {
    std::fflush(stdout);
    const std::string block = "error: " + printable(message);
    const ConsoleStyle style = stderr_style(color);
    // Another rank's progress line may stand on the terminal.
    fmt::print(stderr, "{}{}\n", style.rewrites ? "\r\x1b[K" : "",
               style.colors ? with_colored_word(block) : block);
    std::fflush(stderr);
}

/// Finds out which ranks fail with the same message, so that one speaks for them. Its buffers live
/// until the process ends: the exchange may never finish.
class FailureExchange {
  public:
    explicit FailureExchange(const mpi::Communicator& world)
        : ranks_(world.duplicate()), hashes_(static_cast<std::size_t>(ranks_.size())) {}

    [[nodiscard]] const mpi::Communicator& ranks() const noexcept { return ranks_; }

    /// The ranks, in order, that fail with this message; just this one if not all ranks answer
    /// within a second: a rank that waits in another operation never does.
    [[nodiscard]] std::vector<int> same_failure(const std::string& message) {
        mine_ = hash_text(message).low;
        std::vector<int> ranks;
        if (!all_answered()) {
            ranks.push_back(ranks_.rank().value);
            return ranks;
        }
        for (int rank = 0; rank < ranks_.size(); ++rank) {
            if (hashes_[static_cast<std::size_t>(rank)] == mine_) {
                ranks.push_back(rank);
            }
        }
        return ranks;
    }

  private:
    [[nodiscard]] bool all_answered() {
        MPI_Request request = MPI_REQUEST_NULL;
        if (MPI_Iallgather(&mine_, 1, MPI_UINT64_T, hashes_.data(), 1, MPI_UINT64_T, ranks_.get(),
                           &request) != MPI_SUCCESS) {
            return false;
        }
        for (int attempt = 0; attempt < 100; ++attempt) {
            int done = 0;
            if (MPI_Test(&request, &done, MPI_STATUS_IGNORE) != MPI_SUCCESS) {
                return false;
            }
            if (done != 0) {
                return true;
            }
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
        return false;
    }

    mpi::Communicator ranks_;
    std::vector<std::uint64_t> hashes_;
    std::uint64_t mine_ = 0;
};

/// When ranks fail together that cannot ask each other, the lowest speaks first.
constexpr std::chrono::milliseconds kTurn{150};
constexpr std::chrono::milliseconds kLastTurn{900};

/// Give the rank that speaks the time to do so: its end ends this process too.
void wait_for_speaker() { std::this_thread::sleep_for(std::chrono::seconds(5)); }

/// Print what has to be printed by this rank and end the job of several ranks.
[[noreturn]] void fail(FailureExchange& exchange, const Failure& failure, ColorWhen color) {
    const int rank = exchange.ranks().rank().value;
    const int size = exchange.ranks().size();
    if (failure.is_agreed) {
        if (rank == 0) {
            print_error(failure.message, color);
        } else {
            wait_for_speaker();
        }
        mpi::Environment::abort(failure.code);
    }
    const auto failing = exchange.same_failure(failure.message);
    if (failing.size() == 1) {
        // Others may have failed at the same time, and wait as long: the first one's words end all.
        std::this_thread::sleep_for(std::min(rank * kTurn, kLastTurn));
    }
    if (failing.front() != rank) {
        wait_for_speaker();
    } else if (static_cast<int>(failing.size()) == size) {
        print_error(failure.message, color);
    } else {
        print_error(fmt::format("rank {}: {}", rank, failure.message), color);
    }
    mpi::Environment::abort(failure.code);
}

/// A failure before MPI is up, or of copies that do not know of each other: alike on every rank.
int fail_alike(const Failure& failure, int rank, ColorWhen color) {
    if (rank == 0) {
        print_error(failure.message, color);
    } else {
        wait_for_speaker();
    }
    return failure.code;
}

int run_with_mpi(int launched_as, ColorWhen color,
                 const std::function<int(const mpi::Communicator& world)>& body) {
    const auto world = mpi::Communicator::world();
    try {
        check_launch(world.size());
    } catch (...) {
        return fail_alike(current_failure(), launched_as, color);
    }
    FailureExchange exchange(world);
    try {
        return body(world);
    } catch (...) {
        const Failure failure = current_failure();
        if (world.size() > 1) {
            fail(exchange, failure, color);
        }
        // The exception has unwound and no other rank waits: MPI may be finalised.
        print_error(failure.message, color);
        return failure.code;
    }
}

/// A file that reaches `ulimit -f` is an error of the write, like a full disk, not the end.
void let_size_limits_fail_the_write() { std::signal(SIGXFSZ, SIG_IGN); }

}  // namespace

Failure current_failure() {
    const Described described = describe_current_exception();
    bool is_agreed = false;
    try {
        throw;
    } catch (const Error& error) {
        // mpi::agree throws the base class on several ranks, everything else a coded class.
        is_agreed = typeid(error) == typeid(Error);
    } catch (...) {
        is_agreed = false;
    }
    return {static_cast<int>(described.code), described.message, is_agreed};
}

int run_program(const std::function<int()>& body) {
    report_crashes(0);
    let_size_limits_fail_the_write();
    try {
        return body();
    } catch (...) {
        const Failure failure = current_failure();
        print_error(failure.message, ColorWhen::Auto);
        return failure.code;
    }
}

int run_parallel_program(const std::function<bool()>& options,
                         const std::function<int(const mpi::Communicator& world)>& body,
                         const ColorWhen& color) {
    // Before MPI starts: Open MPI calls a process without a launcher rank 0 in its environment.
    const int launched_as = launched_rank();
    report_crashes(launched_as);
    let_size_limits_fail_the_write();
    try {
        if (!options()) {
            return 0;
        }
        auto arrival = std::make_unique<mpi::Arrival>(
            mpi::Arrival::patience_here(),
            [&](const std::string& reason) { print_error(reason, color); });
        const mpi::Environment environment;
        arrival.reset();
        return run_with_mpi(launched_as, color, body);
    } catch (...) {
        return fail_alike(current_failure(), launched_as, color);
    }
}

int launched_rank() {
    for (const char* name : {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "SLURM_PROCID"}) {
        if (const char* text = std::getenv(name); text != nullptr && *text != '\0') {
            return std::atoi(text);
        }
    }
    return 0;
}

void check_launch(int world_size) {
    const char* tasks = std::getenv("SLURM_STEP_NUM_TASKS");
    if (tasks == nullptr || world_size != 1 || std::atoi(tasks) <= 1) {
        return;
    }
    throw UsageError("started as " + std::to_string(std::atoi(tasks)) +
                     " separate copies (each would train alone and write the same files); use srun "
                     "--mpi=pmix or mpirun");
}

std::string mpi_library() {
    std::array<char, MPI_MAX_LIBRARY_VERSION_STRING> text{};
    int length = 0;
    mpi::check(MPI_Get_library_version(text.data(), &length));
    const std::string_view all(text.data(), static_cast<std::size_t>(length));
    return std::string(all.substr(0, all.find_first_of(",\n")));
}

std::string version_text(const std::string& program, const std::vector<std::string>& libraries) {
    const auto build = build_info();
    std::string text = fmt::format("{} {} ({})\n", program, build.version, build.git_revision);
    text += fmt::format("  build         {}, {}\n", build.build_type, build.compiler);
    text += fmt::format("  MPI           {}\n", mpi_library());
    for (const auto& library : libraries) {
        text += fmt::format("  library       {}\n", library);
    }
    return text + fmt::format("  fault points  {}\n", has_fault_points() ? "on" : "off");
}

std::string printable(std::string_view text, KeepLines lines) {
    std::string result;
    for (const char letter : text) {
        const auto code = static_cast<unsigned char>(letter);
        const bool keeps = letter == '\n' && lines == KeepLines::Yes;
        if ((code < 0x20 || code == 0x7f) && !keeps) {
            result += fmt::format("\\x{:02x}", code);
        } else {
            result += letter;
        }
    }
    return result;
}

}  // namespace hpml
