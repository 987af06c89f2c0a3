#pragma once

#include <cstddef>
#include <memory>

#include "comm/all_reduce.h"
#include "comm/operation_pool.h"
#include "mpi/communicator.h"

namespace hpml::comm {

/// The MPI library's own all-reduce, the reference: MPI_Iallreduce in place. The order of its
/// additions, and so the last bits, and what Min and Max make of a NaN are the library's choice.
class MpiAllReduce final : public Algorithm {
  public:
    /// Collective: talks on a duplicate of `ranks`.
    /// @param longest_piece  elements per MPI call at most, because MPI counts are `int`; smaller
    ///     only in tests
    explicit MpiAllReduce(const mpi::Communicator& ranks,
                          std::size_t longest_piece = std::size_t{1} << 30);
    ~MpiAllReduce() override;
    MpiAllReduce(const MpiAllReduce&) = delete;
    MpiAllReduce& operator=(const MpiAllReduce&) = delete;
    MpiAllReduce(MpiAllReduce&&) = delete;
    MpiAllReduce& operator=(MpiAllReduce&&) = delete;

    [[nodiscard]] std::string_view name() const override { return "mpi"; }
    [[nodiscard]] OperationHandle start(const Buffer& buffer) override;

  private:
    class Run;
    mpi::Communicator ranks_;
    std::size_t longest_piece_;
    OperationPool<Run> pool_;
};

}  // namespace hpml::comm
