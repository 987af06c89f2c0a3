#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/units.h"
#include "comm/all_reduce.h"
#include "comm/messages.h"
#include "comm/wire.h"
#include "mpi/communicator.h"

namespace hpml::comm {

struct TwoShotOptions {
    /// What is cut off a buffer at a time: N messages each way, and N of them in memory.
    Bytes piece = Bytes(1024 * 1024);
    /// Pieces under way at the same time, so that one travels while another is added.
    std::size_t depth = 3;
    Wire wire = Wire::Same;

    /// For so many ranks on several nodes.
    [[nodiscard]] static TwoShotOptions between_nodes(int ranks) {
        const Bytes all(kMessageBetweenNodes.value * static_cast<std::uint64_t>(ranks));
        return {.piece = std::min(all, mib(1)), .depth = 8};
    }
};

/// All-reduce in two exchanges: every rank sends each other rank that one's slice and adds the N
/// slices that come, in the order of the ranks and with one rounding; then it sends its slice of
/// the result to all. As many bytes as a ring in two latencies instead of 2(N-1), but N-1 messages
/// for each: for few nodes.
///
/// An element of the result depends on the ranks' elements alone, not on where a buffer or a piece
/// begins: the same bits as in shared memory (shm.h), for any cut into buckets.
class TwoShot final : public Algorithm {
  public:
    /// Collective: talks on a duplicate of `ranks`.
    /// @throw UsageError for a piece below 64 bytes per rank or above 1 GiB, or a depth below 2
    explicit TwoShot(const mpi::Communicator& ranks, TwoShotOptions options = {});
    /// Operations must have finished, unless the process is about to be aborted.
    ~TwoShot() override;
    TwoShot(const TwoShot&) = delete;
    TwoShot& operator=(const TwoShot&) = delete;
    TwoShot(TwoShot&&) = delete;
    TwoShot& operator=(TwoShot&&) = delete;

    [[nodiscard]] std::string_view name() const override { return "twoshot"; }
    [[nodiscard]] OperationHandle start(const Buffer& buffer) override;

  private:
    class Run;
    struct Shared;
    std::unique_ptr<Shared> shared_;
};

}  // namespace hpml::comm
