#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "apps/options.h"
#include "base/log.h"
#include "base/units.h"
#include "mpi/communicator.h"

namespace hpml {

/// Label and value of one line.
using BannerRow = std::pair<std::string, std::string>;

/// What a program tells about its start. What every program finds alike (build, MPI, hosts, batch
/// job) is not asked for.
struct Banner {
    std::string program;
    std::vector<std::string> libraries;  ///< beside MPI, e.g. "LibTorch 2.11.0"
    std::string threads;                 ///< e.g. "2 per rank, as asked"
    std::string communication;
    std::string device;
    std::string cores;                  ///< this rank's affinity mask, e.g. "0-3"; every rank's own
    Bytes memory_available;             ///< on this rank's node; every rank's own
    std::optional<Bytes> memory_limit;  ///< of the control group; every rank's own
    Bytes memory_per_rank;              ///< estimate; 0: none is made for this device
    std::filesystem::path run;
    std::string resume_point;  ///< e.g. "step 12 (step-00000012)"; empty: a new run
    std::string time_limit;
    std::vector<BannerRow> about;  ///< data with its hash, model, recipe: the program's own lines
    std::uint64_t seed = 0;
    std::string reproducibility =
        "run (the same build, machine, ranks and threads give the same bits, also across stops)";
    std::vector<std::string> command;  ///< of repeatable_command
    std::vector<std::string> notes;    ///< lines of their own below
};

/// One rank's part of the banner.
struct RankPlace {
    std::string host;
    std::string cores;
    Bytes available;
    std::optional<Bytes> limit;
};

/// Every rank's part, in rank order. Collective; before rank 0 alone prints.
[[nodiscard]] std::vector<RankPlace> gather_places(const Banner& banner,
                                                   const mpi::Communicator& ranks);
/// The banner as lines of the log, and a warning where the memory will not do. On one rank.
void print_banner(const Banner& banner, const std::vector<RankPlace>& places, const Log& log);

/// The first line and the rows below it, labels aligned, at most 120 columns wide but for the last
/// row: a command has to stay in one piece.
[[nodiscard]] std::string banner_text(const Banner& banner, const std::vector<RankPlace>& places);

/// "node01 x4, node10 x2": every host once, in the order of its first rank.
[[nodiscard]] std::string host_text(const std::vector<RankPlace>& places);
/// "rank 0: 0-3; rank 1: 4-7"; neighbours with the same cores together, at most eight of them.
[[nodiscard]] std::string binding_text(const std::vector<RankPlace>& places);

/// What the estimate comes to on the host that it fits least.
struct MemoryNeed {
    std::string text;
    bool is_too_much = false;
};
/// @param per_rank  > 0
[[nodiscard]] MemoryNeed memory_need(Bytes per_rank, const std::vector<RankPlace>& places);

/// A word as a POSIX shell reads it back: as it is, or in single quotes.
[[nodiscard]] std::string shell_quoted(std::string_view word);
/// The arguments of this process, and behind them, written out, the options that came from
/// environment variables: a later shell may not have these. Without `--resume never`,
/// `--break-lock` and `--restart-from-scratch`, which belong to one start only.
[[nodiscard]] std::vector<std::string> repeatable_command(const OptionTable& table, int argc,
                                                          const char* const* argv);
/// "mpirun -np 4 " or "srun --mpi=pmix -n 4 ": what started several ranks.
/// @param parent  name of rank 0's parent process
[[nodiscard]] std::string launcher_text(int ranks, const std::string& parent);

}  // namespace hpml
