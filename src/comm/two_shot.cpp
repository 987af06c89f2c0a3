#include "comm/two_shot.h"

#include <mpi.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/error.h"
#include "comm/kernels/convert.h"
#include "comm/kernels/kernels.h"
#include "comm/mpi_types.h"
#include "comm/operation_pool.h"
#include "comm/ring_schedule.h"
#include "comm/tags.h"
#include "mpi/check.h"

namespace hpml::comm {

namespace {

constexpr std::uint64_t kWidest = 8;  ///< bytes of the widest element

/// The type in which a buffer's elements travel.
DataType wire_type(const Buffer& buffer, Wire wire) {
    if (buffer.type != DataType::F32 || wire == Wire::Same) {
        return buffer.type;
    }
    return wire == Wire::BF16 ? DataType::BF16 : DataType::F16;
}

}  // namespace

/// What all operations of one TwoShot use.
struct TwoShot::Shared {
    mpi::Communicator ranks;
    TwoShotOptions options;
    Tags tags;
    OperationPool<Run> pool;

    [[nodiscard]] std::size_t size() const { return static_cast<std::size_t>(ranks.size()); }
    [[nodiscard]] std::size_t rank() const { return static_cast<std::size_t>(ranks.rank().value); }
};

/// One all-reduce as a state machine: pieces go through lanes, each through both exchanges. All
/// ranks begin each exchange of the pieces in the same order, so that the messages of two ranks
/// match without a tag for each.
class TwoShot::Run final : public Operation {
  public:
    explicit Run(Shared& shared);

    void begin(const Buffer& buffer);
    bool advance() override;
    void release() noexcept override;

  private:
    /// A piece under way.
    struct Lane {
        Buffer piece;   ///< of the caller's buffer
        Buffer wire{};  ///< the same elements as they travel: the piece itself, or in `packed`
        std::vector<std::byte> packed{};
        std::vector<std::byte> staging{};  ///< this rank's slice, from every other rank
        std::vector<MPI_Request> requests{};
        std::size_t posted = 0;
    };

    bool drive();
    bool is_complete(Lane& lane);
    void scatter(Lane& lane);
    void add(Lane& lane);
    void gather(Lane& lane);
    void finish(Lane& lane);
    void receive(Lane& lane, const Buffer& to, std::size_t from, int tag);
    void send(Lane& lane, const Buffer& slice, std::size_t to, int tag);
    [[nodiscard]] Buffer slice(const Lane& lane, std::size_t rank) const;
    [[nodiscard]] Buffer staged(Lane& lane, std::size_t rank) const;
    [[nodiscard]] Lane& lane_of(std::size_t piece) { return lanes_[piece % lanes_.size()]; }

    Shared& shared_;
    Buffer buffer_;
    int scatter_tag_ = 0;
    int gather_tag_ = 0;
    std::size_t piece_ = 1;  ///< elements
    std::size_t pieces_ = 0;
    std::size_t scattering_ = 0;  ///< pieces that have begun their first exchange
    std::size_t gathering_ = 0;   ///< and their second
    std::size_t finished_ = 0;
    std::vector<Lane> lanes_;
    std::vector<const std::byte*> inputs_;  ///< by rank
};

TwoShot::Run::Run(Shared& shared)
    : shared_(shared), lanes_(shared.options.depth), inputs_(shared.size()) {
    for (Lane& lane : lanes_) {
        lane.requests.resize(2 * shared.size(), MPI_REQUEST_NULL);
    }
}

void TwoShot::Run::begin(const Buffer& buffer) {
    buffer_ = buffer;
    scatter_tag_ = shared_.tags.take();
    gather_tag_ = shared_.tags.take();
    const std::size_t element = size_of(wire_type(buffer, shared_.options.wire));
    piece_ = shared_.options.piece.value / element;
    pieces_ = (buffer.count + piece_ - 1) / piece_;
    scattering_ = gathering_ = finished_ = 0;
    if (shared_.size() == 1) {
        finish_in_place(buffer, 1);
        finished_ = pieces_;
    }
    while (drive()) {
    }
}

bool TwoShot::Run::advance() {
    while (drive()) {
    }
    return finished_ == pieces_;
}

void TwoShot::Run::release() noexcept {
    // Given up half-way, while an error ends the process: MPI may still write to this memory.
    if (finished_ == pieces_) {
        shared_.pool.put_back(this);
    }
}

/// One thing that can be done now. @return whether there was one
bool TwoShot::Run::drive() {
    if (finished_ < gathering_ && is_complete(lane_of(finished_))) {
        finish(lane_of(finished_++));
        return true;
    }
    if (gathering_ < scattering_ && is_complete(lane_of(gathering_))) {
        Lane& lane = lane_of(gathering_++);
        add(lane);
        gather(lane);
        return true;
    }
    if (scattering_ < pieces_ && scattering_ - finished_ < lanes_.size()) {
        Lane& lane = lane_of(scattering_);
        const std::size_t first = scattering_++ * piece_;
        lane.piece = buffer_.part(first, std::min(piece_, buffer_.count - first));
        scatter(lane);
        return true;
    }
    return false;
}

bool TwoShot::Run::is_complete(Lane& lane) {
    int done = 0;
    mpi::check(MPI_Testall(static_cast<int>(lane.posted), lane.requests.data(), &done,
                           MPI_STATUSES_IGNORE));
    return done != 0;
}

/// The elements that a rank sums, as they travel.
Buffer TwoShot::Run::slice(const Lane& lane, std::size_t rank) const {
    const RingSchedule cut{lane.wire.count, shared_.size(), rank, 1};
    const Extent extent = cut.chunk(rank);
    return lane.wire.part(extent.begin, extent.count);
}

/// Where this rank's slice arrives from another.
Buffer TwoShot::Run::staged(Lane& lane, std::size_t rank) const {
    Buffer place = slice(lane, shared_.rank());
    place.data = lane.staging.data() + rank * place.size().value;
    return place;
}

void TwoShot::Run::receive(Lane& lane, const Buffer& to, std::size_t from, int tag) {
    if (to.count > 0) {
        mpi::check(MPI_Irecv(to.data, static_cast<int>(to.count), mpi_type(to.type),
                             static_cast<int>(from), tag, shared_.ranks.get(),
                             &lane.requests[lane.posted++]));
    }
}

void TwoShot::Run::send(Lane& lane, const Buffer& slice, std::size_t to, int tag) {
    if (slice.count > 0) {
        mpi::check(MPI_Isend(slice.data, static_cast<int>(slice.count), mpi_type(slice.type),
                             static_cast<int>(to), tag, shared_.ranks.get(),
                             &lane.requests[lane.posted++]));
    }
}

void TwoShot::Run::scatter(Lane& lane) {
    lane.posted = 0;
    lane.wire = lane.piece;
    lane.wire.type = wire_type(lane.piece, shared_.options.wire);
    if (lane.wire.type != lane.piece.type) {
        lane.packed.resize(lane.wire.size().value);
        lane.wire.data = lane.packed.data();
        narrow(lane.piece.data, lane.wire);
    }
    lane.staging.resize(shared_.size() * slice(lane, shared_.rank()).size().value);
    for (std::size_t other = 0; other < shared_.size(); ++other) {
        if (other != shared_.rank()) {
            receive(lane, staged(lane, other), other, scatter_tag_);
        }
    }
    // To the next rank first: not all to the same one at the same time.
    for (std::size_t distance = 1; distance < shared_.size(); ++distance) {
        const std::size_t other = (shared_.rank() + distance) % shared_.size();
        send(lane, slice(lane, other), other, scatter_tag_);
    }
}

/// All slices have come, and all that were sent have left.
void TwoShot::Run::add(Lane& lane) {
    const Buffer own = slice(lane, shared_.rank());
    for (std::size_t rank = 0; rank < shared_.size(); ++rank) {
        inputs_[rank] = rank == shared_.rank() ? own.data : staged(lane, rank).data;
    }
    reduce({.inputs = inputs_.data(),
            .input_count = inputs_.size(),
            .outputs = &own.data,
            .output_count = 1,
            .count = own.count,
            .type = own.type,
            .op = own.op,
            .divisor = divisor_of(own.op, shared_.size()),
            .scale = own.scale});
}

void TwoShot::Run::gather(Lane& lane) {
    lane.posted = 0;
    for (std::size_t other = 0; other < shared_.size(); ++other) {
        if (other != shared_.rank()) {
            receive(lane, slice(lane, other), other, gather_tag_);
        }
    }
    for (std::size_t distance = 1; distance < shared_.size(); ++distance) {
        const std::size_t other = (shared_.rank() + distance) % shared_.size();
        send(lane, slice(lane, shared_.rank()), other, gather_tag_);
    }
}

void TwoShot::Run::finish(Lane& lane) {
    if (lane.wire.type != lane.piece.type) {
        widen(lane.wire, lane.piece.data);
    }
}

TwoShot::TwoShot(const mpi::Communicator& ranks, TwoShotOptions options)
    : shared_(std::make_unique<Shared>()) {
    const std::uint64_t least = 64 * static_cast<std::uint64_t>(ranks.size());
    if (options.piece.value < least || options.piece.value > (std::uint64_t{1} << 30)) {
        throw UsageError("a twoshot piece of " + std::to_string(options.piece.value) +
                         " bytes (every rank sums a part of it); give " + std::to_string(least) +
                         " bytes to 1 GiB");
    }
    if (options.depth < 2) {
        throw UsageError(
            "twoshot with fewer than 2 pieces under way (nothing would travel while one is "
            "added); give 2 or more");
    }
    shared_->ranks = ranks.duplicate();
    shared_->options = options;
    shared_->options.piece = Bytes(options.piece.value / kWidest * kWidest);
}

TwoShot::~TwoShot() = default;

OperationHandle TwoShot::start(const Buffer& buffer) {
    return begun(shared_->pool.take(*shared_), buffer);
}

}  // namespace hpml::comm
