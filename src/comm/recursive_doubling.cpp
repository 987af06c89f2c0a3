#include "comm/recursive_doubling.h"

#include <mpi.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "base/error.h"
#include "comm/kernels/kernels.h"
#include "comm/mpi_types.h"
#include "comm/operation_pool.h"
#include "comm/tags.h"
#include "mpi/check.h"

namespace hpml::comm {

struct RecursiveDoubling::Shared {
    mpi::Communicator ranks;
    int core = 1;  ///< ranks that pair up: the largest power of two
    Tags tags;
    OperationPool<Run> pool;
};

/// One all-reduce as a state machine: each round waits for at most one send and one receive.
class RecursiveDoubling::Run final : public Operation {
  public:
    explicit Run(Shared& shared) : shared_(shared) {}

    void begin(const Buffer& buffer) {
        expects(buffer.count <= static_cast<std::size_t>(std::numeric_limits<int>::max()),
                "a buffer that one MPI message can hold");
        buffer_ = buffer;
        received_.resize(buffer.size().value);
        tag_ = shared_.tags.take();
        round_ = Round::HandIn;
        distance_ = 1;
        enter();
    }

    bool advance() override {
        while (round_ != Round::Done) {
            int done = 0;
            mpi::check(MPI_Testall(2, requests_, &done, MPI_STATUSES_IGNORE));
            if (done == 0) {
                return false;
            }
            leave();
            enter();
        }
        return true;
    }

    void release() noexcept override {
        // Given up half-way, while an error ends the process: MPI may still write to this memory.
        if (requests_[0] == MPI_REQUEST_NULL && requests_[1] == MPI_REQUEST_NULL) {
            shared_.pool.put_back(this);
        }
    }

  private:
    enum class Round { HandIn, Pair, HandOut, Done };

    [[nodiscard]] int rank() const { return shared_.ranks.rank().value; }
    /// Beyond the power of two: it only hands in and gets the result.
    [[nodiscard]] bool is_extra() const { return rank() >= shared_.core; }
    /// The extra rank of a core rank, and the other way round; none: -1.
    [[nodiscard]] int companion() const {
        const int other = is_extra() ? rank() - shared_.core : rank() + shared_.core;
        return other < shared_.ranks.size() ? other : -1;
    }

    /// Post what this round needs; rounds that are not for this rank need nothing.
    void enter() {
        requests_[0] = requests_[1] = MPI_REQUEST_NULL;
        if (round_ == Round::HandIn && companion() >= 0) {
            is_extra() ? send(companion()) : receive(companion(), received_.data());
        } else if (round_ == Round::Pair && !is_extra() && distance_ < shared_.core) {
            receive(rank() ^ distance_, received_.data());
            send(rank() ^ distance_);
        } else if (round_ == Round::HandOut && companion() >= 0) {
            is_extra() ? receive(companion(), buffer_.data) : send(companion());
        }
    }

    void leave() {
        if (round_ == Round::HandIn) {
            if (!is_extra() && companion() >= 0) {
                combine(companion());
            }
            round_ = Round::Pair;
        } else if (round_ == Round::Pair) {
            if (!is_extra() && distance_ < shared_.core) {
                combine(rank() ^ distance_);
            }
            distance_ *= 2;
            if (distance_ >= shared_.core) {
                round_ = Round::HandOut;
                if (!is_extra()) {
                    finish_in_place(
                        buffer_,
                        divisor_of(buffer_.op, static_cast<std::size_t>(shared_.ranks.size())));
                }
            }
        } else {
            round_ = Round::Done;
        }
    }

    void send(int to) {
        mpi::check(MPI_Isend(buffer_.data, static_cast<int>(buffer_.count), mpi_type(buffer_.type),
                             to, tag_, shared_.ranks.get(), &requests_[0]));
    }
    void receive(int from, std::byte* to) {
        mpi::check(MPI_Irecv(to, static_cast<int>(buffer_.count), mpi_type(buffer_.type), from,
                             tag_, shared_.ranks.get(), &requests_[1]));
    }

    void combine(int other) {
        const std::byte* inputs[] = {buffer_.data, received_.data()};
        if (other < rank()) {
            std::swap(inputs[0], inputs[1]);
        }
        reduce({.inputs = inputs,
                .input_count = 2,
                .outputs = &buffer_.data,
                .output_count = 1,
                .count = buffer_.count,
                .type = buffer_.type,
                .op = without_mean(buffer_.op)});
    }

    Shared& shared_;
    Buffer buffer_;
    std::vector<std::byte> received_;
    int tag_ = 0;
    Round round_ = Round::Done;
    int distance_ = 1;
    MPI_Request requests_[2] = {MPI_REQUEST_NULL, MPI_REQUEST_NULL};
};

RecursiveDoubling::RecursiveDoubling(const mpi::Communicator& ranks)
    : shared_(std::make_unique<Shared>()) {
    shared_->ranks = ranks.duplicate();
    while (2 * shared_->core <= ranks.size()) {
        shared_->core *= 2;
    }
}

RecursiveDoubling::~RecursiveDoubling() = default;

OperationHandle RecursiveDoubling::start(const Buffer& buffer) {
    return begun(shared_->pool.take(*shared_), buffer);
}

}  // namespace hpml::comm
