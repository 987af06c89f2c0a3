#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/units.h"
#include "comm/buffer.h"

namespace hpml::comm {

/// Numbers that several processes read and write. They only grow, so that none is ever reset.
using SharedCounter = std::atomic<std::uint64_t>;
static_assert(SharedCounter::is_always_lock_free, "no locks between processes");

/// How many operations of a rank may differ from those of the slowest one, at least twice
/// Algorithm::most_under_way().
constexpr std::size_t kShmSlots = 4;

/// Into how many chunks an operation is cut at most.
constexpr std::size_t kMostShmChunks = 1024;

/// What a rank says of one of its operations: written by it alone, then published by `sequence`.
struct alignas(64) ShmNotice {
    SharedCounter sequence{0};  ///< of the operation, counted from 1
    std::uint64_t window = 0;   ///< counted from 1; 0: the buffer lies in none
    std::uint64_t offset = 0;  ///< in that window: the same on every rank, or they would mix things
    std::uint64_t count = 0;
    double scale = 1;
    DataType type = DataType::F32;
    ReduceOp op = ReduceOp::Sum;
    Examine examine = Examine::No;

    [[nodiscard]] bool agrees(const ShmNotice& other) const {
        return window == other.window && offset == other.offset && count == other.count &&
               scale == other.scale && type == other.type && op == other.op &&
               examine == other.examine;
    }
};

/// What a rank of a team shares with the others, in cache lines of its own.
struct ShmLine {
    ShmNotice notices[kShmSlots];  ///< operation n in slot n modulo kShmSlots
    alignas(64) SharedCounter settled{
        0};  ///< operations of which its share stands, of those that settle
    alignas(64) SharedCounter filled{0};   ///< pieces that stand in its staging memory
    alignas(64) SharedCounter reduced{0};  ///< pieces of which it has reduced its slice
    alignas(64) SharedCounter emptied{0};  ///< pieces that it has copied out
    alignas(64) Found found[kShmSlots];    ///< by slot: in its share of the results
};

/// What the ranks of a team share, at the beginning of rank 0's part.
struct ShmBoard {
    alignas(64) SharedCounter next_chunk{0};  ///< of all direct operations, numbered in a row
    struct alignas(64) Finished {
        SharedCounter chunks{0};
    } finished[kShmSlots];  ///< chunks of the operations of a slot, summed up
    /// What is in each chunk of a slot's operation, for whoever adds it up in their order.
    Found found[kShmSlots][kMostShmChunks];
};

/// Ranks that share memory, as one of them sees them: processes of a node, or threads of one
/// process in tests. Holds no memory itself.
struct ShmTeam {
    int rank = 0;
    ShmBoard* board = nullptr;
    std::vector<ShmLine*> lines;      ///< by rank
    std::vector<std::byte*> brief;    ///< by rank: kShmSlots buffers of kBriefSize
    std::vector<std::byte*> staging;  ///< by rank: two pieces of kPieceSize
    struct Window {
        std::vector<std::byte*> parts;  ///< by rank; `parts[rank]` is this rank's
        std::size_t size = 0;
    };
    std::vector<Window> windows;  ///< in the same order on every rank

    [[nodiscard]] std::size_t size() const { return lines.size(); }
    [[nodiscard]] ShmLine& own() const { return *lines[static_cast<std::size_t>(rank)]; }

    /// Buffers up to this size are copied for all to read: one wait instead of two.
    static constexpr std::size_t kBriefSize = 16 * 1024;
    /// In a window already longer ones are not: copying them costs more than the second wait.
    static constexpr std::size_t kBriefSizeInWindow = 1024;
    /// Up to this size each rank reduces its share; of longer ones whoever has time takes chunks.
    static constexpr std::size_t kSharedOutSize = 64 * 1024;
    /// What is staged at a time of buffers that lie in no window; two of them per rank.
    static constexpr std::size_t kPieceSize = 512 * 1024;
    /// Bytes of a rank's part that `place` uses.
    [[nodiscard]] static std::size_t part_size();
    /// Lay the team's lines and staging memory out in the parts of the ranks, which are zeroed.
    void place(int own_rank, const std::vector<std::byte*>& parts);
};

}  // namespace hpml::comm
