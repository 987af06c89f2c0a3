#include "comm/mpi_all_reduce.h"

#include <mpi.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "base/error.h"
#include "mpi/check.h"

namespace hpml::comm {

namespace {

class Run final : public Operation {
  public:
    explicit Run(std::vector<MPI_Request> requests) : requests_(std::move(requests)) {}
    // A collective that was given up cannot be freed (MPI 3.1, section 5.12); its requests are left
    // to the end of the process, which is near.
    ~Run() override = default;
    Run(const Run&) = delete;
    Run& operator=(const Run&) = delete;
    Run(Run&&) = delete;
    Run& operator=(Run&&) = delete;

    bool advance() override {
        int done = 1;
        if (!requests_.empty()) {
            mpi::check(MPI_Testall(static_cast<int>(requests_.size()), requests_.data(), &done,
                                   MPI_STATUSES_IGNORE));
        }
        return done != 0;
    }

  private:
    std::vector<MPI_Request> requests_;
};

}  // namespace

MpiAllReduce::MpiAllReduce(const mpi::Communicator& ranks, std::size_t longest_piece)
    : ranks_(ranks.duplicate()), longest_piece_(longest_piece) {
    expects(longest_piece > 0 &&
                longest_piece <= static_cast<std::size_t>(std::numeric_limits<int>::max()),
            "pieces that an MPI count can say");
}

std::unique_ptr<Operation> MpiAllReduce::start(std::span<float> values) {
    std::vector<MPI_Request> requests;
    if (ranks_.size() > 1) {
        for (std::size_t at = 0; at < values.size(); at += longest_piece_) {
            const auto piece = values.subspan(at, std::min(longest_piece_, values.size() - at));
            requests.push_back(MPI_REQUEST_NULL);
            mpi::check(MPI_Iallreduce(MPI_IN_PLACE, piece.data(), static_cast<int>(piece.size()),
                                      MPI_FLOAT, MPI_SUM, ranks_.get(), &requests.back()));
        }
    }
    return std::make_unique<Run>(std::move(requests));
}

}  // namespace hpml::comm
