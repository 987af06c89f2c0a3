#pragma once

#include <cstddef>
#include <memory>

#include "comm/all_reduce.h"
#include "mpi/communicator.h"

namespace hpml::comm {

/// The MPI library's own all-reduce, the reference: MPI_Iallreduce in place. The order of its
/// additions, and so the last bits, are the library's choice.
class MpiAllReduce final : public Algorithm {
  public:
    /// Collective: talks on a duplicate of `ranks`.
    /// @param longest_piece  elements per MPI call at most, because MPI counts are `int`; smaller
    ///     only in tests
    explicit MpiAllReduce(const mpi::Communicator& ranks,
                          std::size_t longest_piece = std::size_t{1} << 30);

    [[nodiscard]] std::string_view name() const override { return "mpi"; }
    [[nodiscard]] std::unique_ptr<Operation> start(std::span<float> values) override;

  private:
    mpi::Communicator ranks_;
    std::size_t longest_piece_;
};

}  // namespace hpml::comm
