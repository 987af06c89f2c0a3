#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "comm/all_reduce.h"
#include "comm/kernels/kernels.h"
#include "comm/operation_pool.h"
#include "comm/ring_schedule.h"
#include "comm/shm_team.h"

namespace hpml::comm {

/// What the operations of one rank of a team have in common.
struct ShmState {
    ShmTeam team;
    std::size_t chunk = 0;      ///< bytes
    std::uint64_t started = 0;  ///< operations
    std::uint64_t agreed = 0;   ///< operations that all ranks agree on, or do not
    std::uint64_t ended = 0;    ///< this one and all operations before it have ended
    std::uint64_t ended_of_slot[kShmSlots] = {};  ///< the newest operation of a slot that has ended
    std::uint64_t next_chunk = 0;  ///< number of the next agreed operation's first chunk
    std::uint64_t chunks_of_slot[kShmSlots] = {};  ///< of all agreed operations of a slot
    std::uint64_t next_piece = 0;  ///< number of the next staged operation's first piece
    std::uint64_t settling = 0;    ///< operations that settle, begun
    std::uint64_t settled = 0;     ///< and settled, in order
    std::uint64_t staged_started = 0;
    std::uint64_t staged_ended = 0;
};

/// An all-reduce in shared memory: tells the others, waits until they are there, then does its
/// part. At most kShmSlots / 2 are announced at a time, further ones wait for their turn: when a
/// rank announces operation n + 4 it has ended n + 2, which all had announced, so that all have
/// ended n and slot n is free.
class ShmRun : public Operation {
  public:
    explicit ShmRun(ShmState& state);

    bool advance() final;
    [[nodiscard]] std::optional<Found> found() const final { return found_; }

  protected:
    /// @param window  counted from 1; 0: none
    void enqueue(const Buffer& buffer, std::uint64_t window, std::uint64_t offset);

    /// The slot is free: put there what the others will need.
    virtual void prepare() {}
    /// All ranks are there and agree.
    virtual void begin_work() = 0;
    /// Do what can be done without waiting. @return whether all is done
    virtual bool work() = 0;

    [[nodiscard]] ShmState& state() const { return state_; }
    [[nodiscard]] const ShmTeam& team() const { return state_.team; }
    [[nodiscard]] const Buffer& buffer() const { return buffer_; }
    [[nodiscard]] std::uint64_t window() const { return window_; }
    [[nodiscard]] std::uint64_t offset() const { return offset_; }
    [[nodiscard]] std::size_t slot() const { return sequence_ % kShmSlots; }
    /// An operation that settles: this rank's share stands where all need it. In the order of
    /// the operations, for a rank publishes the last one only.
    void take_turn() { turn_ = state_.settling++; }
    [[nodiscard]] bool has_turn() const { return state_.settled == turn_; }
    void settle();
    [[nodiscard]] bool all_have_settled() const;
    /// A rank's share of `count` elements, in whole cache lines, so that two ranks do not write to
    /// the same one.
    [[nodiscard]] Extent share_of(std::size_t rank, std::size_t count) const;
    /// This rank's share of the buffer.
    [[nodiscard]] Extent share() const;
    /// Combine `count` elements of the inputs, by rank, into the outputs.
    Found reduce_to(std::size_t outputs, std::size_t count);
    /// Combine elements of a buffer that lies in a window, into all ranks' windows.
    Found reduce_in_window(std::size_t first, std::size_t count);
    /// Into this rank's only, and neither divided nor scaled: more is to be added.
    void reduce_in_own_window(std::size_t first, std::size_t count);
    /// What this rank found in its share, for the others to see when they know that it stands.
    [[nodiscard]] Found& own_found() const { return team().own().found[slot()]; }
    /// Of all shares, which stand.
    [[nodiscard]] Found found_in_shares() const;
    void set_found(const Found& found) { found_ = found; }

    std::vector<const std::byte*> inputs_;  ///< by rank
    std::vector<std::byte*> outputs_;       ///< room for one per rank, and for two

  private:
    enum class Phase { Queued, Waiting, Working, Done };
    void announce();
    void end();
    void point_into_window(std::size_t first);
    [[nodiscard]] bool all_are_here();
    void require_agreement() const;

    ShmState& state_;
    Buffer buffer_;
    std::uint64_t window_ = 0;
    std::uint64_t offset_ = 0;
    std::uint64_t sequence_ = 0;
    std::uint64_t turn_ = 0;
    Found found_;
    std::size_t seen_ = 0;  ///< ranks below this one are known to be there
    Phase phase_ = Phase::Done;
};

/// Of a short buffer that lies in a window: each rank reduces its share, and tells.
class ShmShared final : public ShmRun {
  public:
    ShmShared(ShmState& state, OperationPool<ShmShared>& pool) : ShmRun(state), pool_(pool) {}
    void begin(const Buffer& buffer, std::size_t window, std::size_t offset) {
        enqueue(buffer, window + 1, offset);
    }
    void release() noexcept override { pool_.put_back(this); }

  private:
    void begin_work() override;
    bool work() override;

    OperationPool<ShmShared>& pool_;
    bool has_settled_ = false;
};

/// Of a buffer that lies in a window: whoever has time reduces the next chunk.
class ShmDirect final : public ShmRun {
  public:
    ShmDirect(ShmState& state, OperationPool<ShmDirect>& pool) : ShmRun(state), pool_(pool) {}
    void begin(const Buffer& buffer, std::size_t window, std::size_t offset);
    void release() noexcept override { pool_.put_back(this); }

  private:
    void begin_work() override;
    bool work() override;

    OperationPool<ShmDirect>& pool_;
    std::size_t chunk_ = 0;  ///< elements
    std::uint64_t chunks_ = 0;
    std::uint64_t first_chunk_ = 0;
    std::uint64_t finished_at_ = 0;  ///< of the slot's counter
};

/// Of a buffer that is short enough to be copied for all.
class ShmBrief final : public ShmRun {
  public:
    ShmBrief(ShmState& state, OperationPool<ShmBrief>& pool) : ShmRun(state), pool_(pool) {}
    void begin(const Buffer& buffer);
    void release() noexcept override { pool_.put_back(this); }

  private:
    void prepare() override;
    void begin_work() override {}
    bool work() override;

    OperationPool<ShmBrief>& pool_;
};

/// Of a buffer that goes through the staging memory, piece by piece: each rank copies the slices of
/// the others to where they see them, reduces its own slice, and copies the others' results back.
class ShmStaged final : public ShmRun {
  public:
    ShmStaged(ShmState& state, OperationPool<ShmStaged>& pool) : ShmRun(state), pool_(pool) {}
    void begin(const Buffer& buffer);
    void release() noexcept override { pool_.put_back(this); }

  private:
    void begin_work() override;
    bool work() override;
    bool fill();
    bool reduce_slice();
    bool empty();
    [[nodiscard]] Extent piece(std::uint64_t index) const;
    [[nodiscard]] Extent slice(const Extent& piece, std::size_t rank) const;
    [[nodiscard]] std::byte* staged(std::size_t rank, std::uint64_t index,
                                    std::size_t element) const;
    [[nodiscard]] bool all_reached(SharedCounter ShmLine::*counter, std::uint64_t piece) const;

    OperationPool<ShmStaged>& pool_;
    std::uint64_t staging_turn_ = 0;
    bool has_staging_ = false;
    std::size_t piece_ = 0;  ///< elements
    std::uint64_t pieces_ = 0;
    std::uint64_t first_piece_ = 0;
    std::uint64_t filled_ = 0;  ///< pieces of this operation
    std::uint64_t reduced_ = 0;
    std::uint64_t emptied_ = 0;
};

}  // namespace hpml::comm
