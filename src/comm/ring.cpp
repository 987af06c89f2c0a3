#include "comm/ring.h"

#include <mpi.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "base/error.h"
#include "comm/kernels/kernels.h"
#include "comm/mpi_types.h"
#include "comm/operation_pool.h"
#include "comm/ring_schedule.h"
#include "comm/tags.h"
#include "mpi/check.h"

namespace hpml::comm {

namespace {

constexpr std::uint64_t kWidest = 8;  ///< bytes of the widest element

}  // namespace

/// What all operations of one ring use.
struct Ring::Shared {
    mpi::Communicator ranks;
    Bytes segment{1};
    std::size_t depth = 2;
    Tags tags;
    OperationPool<Run> pool;
};

/// One all-reduce as a state machine. Messages leave and arrive in the order of the schedule, at
/// most `depth` under way in each direction; message k uses slot k modulo depth.
class Ring::Run final : public Operation {
  public:
    explicit Run(Shared& shared);

    void begin(const Buffer& buffer);
    bool advance() override;
    void release() noexcept override;

  private:
    /// A window over the messages of one direction.
    struct Direction {
        RingPosition next;              ///< the first message not handed to MPI
        RingPosition done;              ///< every message before this one has completed
        std::size_t posted = 0;         ///< messages handed to MPI
        std::size_t completed = 0;      ///< messages before `done`
        std::vector<char> slot_done{};  ///< message of this slot has completed, `done` not past it

        void restart(RingPosition first) {
            next = done = first;
            posted = completed = 0;
            std::fill(slot_done.begin(), slot_done.end(), char{0});
        }
    };

    [[nodiscard]] std::size_t chunk_of(bool sending, std::size_t step) const;
    [[nodiscard]] RingPosition after(bool sending, RingPosition position) const;
    [[nodiscard]] RingPosition first_from(bool sending, RingPosition position) const;
    [[nodiscard]] bool has_room(const Direction& direction) const;
    void post_receives();
    void post_sends();
    void collect();
    void finish_receive(std::size_t slot);
    void slide(bool sending, Direction& direction);
    [[nodiscard]] bool finished() const;

    Shared& shared_;
    Buffer buffer_;
    RingSchedule schedule_;
    int tag_ = 0;
    int left_ = 0;
    int right_ = 0;
    std::vector<std::byte> staging_;
    Direction receiving_;
    Direction sending_;
    std::vector<RingPosition> in_slot_;  ///< what each receive slot waits for
    std::vector<MPI_Request> requests_;  ///< receives, then sends
    std::vector<int> indices_;
};

Ring::Run::Run(Shared& shared)
    : shared_(shared),
      staging_(shared.depth * shared.segment.value),
      in_slot_(shared.depth),
      requests_(2 * shared.depth, MPI_REQUEST_NULL),
      indices_(2 * shared.depth) {
    receiving_.slot_done.resize(shared.depth);
    sending_.slot_done.resize(shared.depth);
    const int size = shared.ranks.size();
    left_ = (shared.ranks.rank().value + size - 1) % size;
    right_ = (shared.ranks.rank().value + 1) % size;
}

void Ring::Run::begin(const Buffer& buffer) {
    buffer_ = buffer;
    tag_ = shared_.tags.take();
    schedule_ = {buffer.count, static_cast<std::size_t>(shared_.ranks.size()),
                 static_cast<std::size_t>(shared_.ranks.rank().value),
                 shared_.segment.value / size_of(buffer.type)};
    receiving_.restart(first_from(false, {}));
    sending_.restart(first_from(true, {}));
    if (schedule_.ranks == 1) {
        finish_in_place(buffer, 1);
    } else if (!finished()) {
        post_receives();
        post_sends();
    }
}

void Ring::Run::release() noexcept {
    // Given up half-way, while an error ends the process: nothing is waited for, and the memory
    // that MPI may still write to is kept for good. Completed requests are null already.
    bool pending = false;
    for (std::size_t i = 0; i < requests_.size(); ++i) {
        if (requests_[i] != MPI_REQUEST_NULL) {
            pending = true;
            if (i < shared_.depth) {
                MPI_Cancel(&requests_[i]);
            }
            MPI_Request_free(&requests_[i]);
        }
    }
    if (!pending) {
        shared_.pool.put_back(this);
    }
}

bool Ring::Run::advance() {
    if (!finished()) {
        collect();
        post_receives();
        post_sends();
    }
    return finished();
}

bool Ring::Run::finished() const {
    return receiving_.done.step == schedule_.steps() && sending_.done.step == schedule_.steps();
}

std::size_t Ring::Run::chunk_of(bool sending, std::size_t step) const {
    return sending ? schedule_.chunk_sent(step) : schedule_.chunk_received(step);
}

/// The message itself, or the first after it if its chunk has no such segment.
RingPosition Ring::Run::first_from(bool sending, RingPosition position) const {
    while (position.step < schedule_.steps() &&
           position.segment >= schedule_.segments(chunk_of(sending, position.step))) {
        position = {position.step + 1, 0};
    }
    return position;
}

RingPosition Ring::Run::after(bool sending, RingPosition position) const {
    return first_from(sending, {position.step, position.segment + 1});
}

bool Ring::Run::has_room(const Direction& direction) const {
    return direction.next.step < schedule_.steps() &&
           direction.posted - direction.completed < shared_.depth;
}

void Ring::Run::post_receives() {
    while (has_room(receiving_)) {
        const RingPosition at = receiving_.next;
        const bool reduces = schedule_.reduces(at.step);
        // A final sum lands where this rank's contribution was sent from N-1 steps before; the
        // memory must not be written while MPI may still read it.
        if (!reduces &&
            !RingPosition{at.step - (schedule_.ranks - 1), at.segment}.is_before(sending_.done)) {
            return;
        }
        const std::size_t slot = receiving_.posted % shared_.depth;
        const Extent part = schedule_.part(schedule_.chunk_received(at.step), at.segment);
        std::byte* target = reduces ? staging_.data() + slot * shared_.segment.value
                                    : buffer_.part(part.begin, part.count).data;
        mpi::check(MPI_Irecv(target, static_cast<int>(part.count), mpi_type(buffer_.type), left_,
                             tag_, shared_.ranks.get(), &requests_[slot]));
        in_slot_[slot] = at;
        ++receiving_.posted;
        receiving_.next = after(false, at);
    }
}

void Ring::Run::post_sends() {
    while (has_room(sending_)) {
        const RingPosition at = sending_.next;
        // From the second step on, a rank hands on what it received in the step before.
        if (at.step > 0 && !RingPosition{at.step - 1, at.segment}.is_before(receiving_.done)) {
            return;
        }
        const std::size_t slot = sending_.posted % shared_.depth;
        const Extent part = schedule_.part(schedule_.chunk_sent(at.step), at.segment);
        mpi::check(MPI_Isend(buffer_.part(part.begin, part.count).data,
                             static_cast<int>(part.count), mpi_type(buffer_.type), right_, tag_,
                             shared_.ranks.get(), &requests_[shared_.depth + slot]));
        ++sending_.posted;
        sending_.next = after(true, at);
    }
}

void Ring::Run::collect() {
    int count = 0;
    mpi::check(MPI_Testsome(static_cast<int>(requests_.size()), requests_.data(), &count,
                            indices_.data(), MPI_STATUSES_IGNORE));
    // MPI_UNDEFINED, a negative number: no request is active.
    for (int i = 0; i < count; ++i) {
        const auto index = static_cast<std::size_t>(indices_[static_cast<std::size_t>(i)]);
        if (index < shared_.depth) {
            finish_receive(index);
        } else {
            sending_.slot_done[index - shared_.depth] = 1;
        }
    }
    slide(false, receiving_);
    slide(true, sending_);
}

void Ring::Run::finish_receive(std::size_t slot) {
    const RingPosition at = in_slot_[slot];
    if (schedule_.reduces(at.step)) {
        const Extent part = schedule_.part(schedule_.chunk_received(at.step), at.segment);
        std::byte* mine = buffer_.part(part.begin, part.count).data;
        const std::byte* inputs[] = {mine, staging_.data() + slot * shared_.segment.value};
        const bool is_last = at.step + 2 == schedule_.ranks;
        reduce({.inputs = inputs,
                .input_count = 2,
                .outputs = &mine,
                .output_count = 1,
                .count = part.count,
                .type = buffer_.type,
                .op = is_last ? buffer_.op : without_mean(buffer_.op),
                .divisor = is_last ? divisor_of(buffer_.op, schedule_.ranks) : 1,
                .scale = is_last ? buffer_.scale : 1});
    }
    receiving_.slot_done[slot] = 1;
}

void Ring::Run::slide(bool sending, Direction& direction) {
    while (direction.completed < direction.posted) {
        char& done = direction.slot_done[direction.completed % shared_.depth];
        if (done == 0) {
            return;
        }
        done = 0;
        ++direction.completed;
        direction.done = after(sending, direction.done);
    }
}

Ring::Ring(const mpi::Communicator& ranks, RingOptions options)
    : shared_(std::make_unique<Shared>()) {
    const std::uint64_t bytes = options.segment.value;
    if (bytes < kWidest || bytes > (std::uint64_t{1} << 30)) {
        throw UsageError("a ring segment of " + std::to_string(bytes) +
                         " bytes (it is one MPI message); give 8 bytes to 1 GiB");
    }
    if (options.depth < 2) {
        throw UsageError(
            "a ring with fewer than 2 segments under way (nothing would travel while one is "
            "added); give 2 or more");
    }
    shared_->ranks = ranks.duplicate();
    shared_->segment = Bytes(bytes / kWidest * kWidest);
    shared_->depth = options.depth;
}

Ring::~Ring() = default;

OperationHandle Ring::start(const Buffer& buffer) {
    return begun(shared_->pool.take(*shared_), buffer);
}

}  // namespace hpml::comm
