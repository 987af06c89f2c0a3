#include "comm/mpi_all_reduce.h"

#include <mpi.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "base/error.h"
#include "comm/kernels/kernels.h"
#include "comm/mpi_types.h"
#include "mpi/check.h"

namespace hpml::comm {

class MpiAllReduce::Run final : public Operation {
  public:
    explicit Run(OperationPool<Run>& pool) : pool_(pool) {}

    void begin(const Buffer& buffer, const mpi::Communicator& ranks, std::size_t longest_piece) {
        buffer_ = buffer;
        ranks_ = static_cast<std::size_t>(ranks.size());
        is_finished_ = false;
        requests_.clear();
        for (std::size_t at = 0; ranks_ > 1 && at < buffer.count; at += longest_piece) {
            const Buffer piece = buffer.part(at, std::min(longest_piece, buffer.count - at));
            requests_.push_back(MPI_REQUEST_NULL);
            mpi::check(MPI_Iallreduce(MPI_IN_PLACE, piece.data, static_cast<int>(piece.count),
                                      mpi_type(piece.type), mpi_op(piece.op), ranks.get(),
                                      &requests_.back()));
        }
    }

    bool advance() override {
        int done = 1;
        if (!requests_.empty()) {
            mpi::check(MPI_Testall(static_cast<int>(requests_.size()), requests_.data(), &done,
                                   MPI_STATUSES_IGNORE));
        }
        if (done != 0 && !is_finished_) {
            is_finished_ = true;
            finish_in_place(buffer_, divisor_of(buffer_.op, ranks_));
        }
        return done != 0;
    }

    // A collective that was given up cannot be freed (MPI 3.1, section 5.12); its requests are left
    // to the end of the process, which is near.
    void release() noexcept override { pool_.put_back(this); }

  private:
    OperationPool<Run>& pool_;
    Buffer buffer_;
    std::size_t ranks_ = 1;
    bool is_finished_ = false;
    std::vector<MPI_Request> requests_;
};

MpiAllReduce::MpiAllReduce(const mpi::Communicator& ranks, std::size_t longest_piece)
    : ranks_(ranks.duplicate()), longest_piece_(longest_piece) {
    expects(longest_piece > 0 &&
                longest_piece <= static_cast<std::size_t>(std::numeric_limits<int>::max()),
            "pieces that an MPI count can say");
}

MpiAllReduce::~MpiAllReduce() = default;

OperationHandle MpiAllReduce::start(const Buffer& buffer) {
    return begun(pool_.take(pool_), buffer, ranks_, longest_piece_);
}

}  // namespace hpml::comm
