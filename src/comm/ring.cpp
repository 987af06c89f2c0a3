#include "comm/ring.h"

#include <mpi.h>

#include <new>
#include <utility>
#include <vector>

#include "base/error.h"
#include "comm/ring_schedule.h"
#include "comm/sum.h"
#include "mpi/check.h"

namespace hpml::comm {

namespace {

using Staging = std::vector<float>;

/// The range that every MPI library offers (MPI 3.1, section 8.1.2).
constexpr int kTags = 32768;

}  // namespace

/// What all operations of one ring use. They keep it alive, because MPI may still write to the
/// staging memory of an operation that was given up.
struct Ring::Shared {
    mpi::Communicator ranks;
    std::size_t segment = 1;  ///< elements
    std::size_t depth = 2;
    int next_tag = 0;
    std::vector<Staging> idle;  ///< staging memory of finished operations, used again

    [[nodiscard]] int take_tag() {
        const int tag = next_tag;
        next_tag = (next_tag + 1) % kTags;
        return tag;
    }
    [[nodiscard]] Staging take_staging() {
        if (idle.empty()) {
            return Staging(depth * segment);
        }
        Staging staging = std::move(idle.back());
        idle.pop_back();
        return staging;
    }
};

/// One all-reduce as a state machine. Messages leave and arrive in the order of the schedule, at
/// most `depth` under way in each direction; message k uses slot k modulo depth.
class Ring::Run final : public Operation {
  public:
    Run(std::shared_ptr<Shared> shared, std::span<float> values);
    ~Run() override;
    Run(const Run&) = delete;
    Run& operator=(const Run&) = delete;
    Run(Run&&) = delete;
    Run& operator=(Run&&) = delete;

    bool advance() override;

  private:
    /// A window over the messages of one direction.
    struct Direction {
        RingPosition next;              ///< the first message not handed to MPI
        RingPosition done;              ///< every message before this one has completed
        std::size_t posted = 0;         ///< messages handed to MPI
        std::size_t completed = 0;      ///< messages before `done`
        std::vector<char> slot_done{};  ///< message of this slot has completed, `done` not past it
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

    std::shared_ptr<Shared> shared_;
    std::span<float> values_;
    RingSchedule schedule_;
    int tag_ = 0;
    int left_ = 0;
    int right_ = 0;
    Staging staging_;
    Direction receiving_;
    Direction sending_;
    std::vector<RingPosition> in_slot_;  ///< what each receive slot waits for
    std::vector<MPI_Request> requests_;  ///< receives, then sends
    std::vector<int> indices_;
};

Ring::Run::Run(std::shared_ptr<Shared> shared, std::span<float> values)
    : shared_(std::move(shared)), values_(values), tag_(shared_->take_tag()) {
    const int size = shared_->ranks.size();
    const int rank = shared_->ranks.rank().value;
    schedule_ = {values.size(), static_cast<std::size_t>(size), static_cast<std::size_t>(rank),
                 shared_->segment};
    left_ = (rank + size - 1) % size;
    right_ = (rank + 1) % size;
    receiving_.next = receiving_.done = first_from(false, {});
    sending_.next = sending_.done = first_from(true, {});
    if (finished()) {
        return;
    }
    const std::size_t depth = shared_->depth;
    staging_ = shared_->take_staging();
    receiving_.slot_done.assign(depth, 0);
    sending_.slot_done.assign(depth, 0);
    in_slot_.resize(depth);
    requests_.assign(2 * depth, MPI_REQUEST_NULL);
    indices_.resize(2 * depth);
    post_receives();
    post_sends();
}

Ring::Run::~Run() {
    // Given up half-way, while an error ends the process: nothing is waited for. Completed requests
    // are null already.
    bool pending = false;
    for (std::size_t i = 0; i < requests_.size(); ++i) {
        if (requests_[i] != MPI_REQUEST_NULL) {
            pending = true;
            if (i < shared_->depth) {
                MPI_Cancel(&requests_[i]);
            }
            MPI_Request_free(&requests_[i]);
        }
    }
    if (!staging_.empty()) {
        if (pending) {
            // MPI may still write here, and the process is about to end: keep it for good.
            static_cast<void>(new (std::nothrow) Staging(std::move(staging_)));
        } else {
            shared_->idle.push_back(std::move(staging_));
        }
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
           direction.posted - direction.completed < shared_->depth;
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
        const std::size_t slot = receiving_.posted % shared_->depth;
        const Extent part = schedule_.part(schedule_.chunk_received(at.step), at.segment);
        float* target =
            reduces ? staging_.data() + slot * shared_->segment : values_.data() + part.begin;
        mpi::check(MPI_Irecv(target, static_cast<int>(part.count), MPI_FLOAT, left_, tag_,
                             shared_->ranks.get(), &requests_[slot]));
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
        const std::size_t slot = sending_.posted % shared_->depth;
        const Extent part = schedule_.part(schedule_.chunk_sent(at.step), at.segment);
        mpi::check(MPI_Isend(values_.data() + part.begin, static_cast<int>(part.count), MPI_FLOAT,
                             right_, tag_, shared_->ranks.get(),
                             &requests_[shared_->depth + slot]));
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
        if (index < shared_->depth) {
            finish_receive(index);
        } else {
            sending_.slot_done[index - shared_->depth] = 1;
        }
    }
    slide(false, receiving_);
    slide(true, sending_);
}

void Ring::Run::finish_receive(std::size_t slot) {
    const RingPosition at = in_slot_[slot];
    if (schedule_.reduces(at.step)) {
        const Extent part = schedule_.part(schedule_.chunk_received(at.step), at.segment);
        add(values_.subspan(part.begin, part.count),
            std::span(staging_).subspan(slot * shared_->segment, part.count));
    }
    receiving_.slot_done[slot] = 1;
}

void Ring::Run::slide(bool sending, Direction& direction) {
    while (direction.completed < direction.posted) {
        char& done = direction.slot_done[direction.completed % shared_->depth];
        if (done == 0) {
            return;
        }
        done = 0;
        ++direction.completed;
        direction.done = after(sending, direction.done);
    }
}

Ring::Ring(const mpi::Communicator& ranks, RingOptions options)
    : shared_(std::make_shared<Shared>()) {
    const std::uint64_t bytes = options.segment.value;
    if (bytes < sizeof(float) || bytes > (std::uint64_t{1} << 30)) {
        throw UsageError("a ring segment of " + std::to_string(bytes) +
                         " bytes (it is one MPI message); give 4 bytes to 1 GiB");
    }
    if (options.depth < 2) {
        throw UsageError(
            "a ring with fewer than 2 segments under way (nothing would travel while one is "
            "added); give 2 or more");
    }
    shared_->ranks = ranks.duplicate();
    shared_->segment = static_cast<std::size_t>(bytes) / sizeof(float);
    shared_->depth = options.depth;
}

Ring::~Ring() = default;

std::unique_ptr<Operation> Ring::start(std::span<float> values) {
    return std::make_unique<Run>(shared_, values);
}

}  // namespace hpml::comm
