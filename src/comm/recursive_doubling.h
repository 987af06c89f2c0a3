#pragma once

#include <memory>

#include "comm/all_reduce.h"
#include "mpi/communicator.h"

namespace hpml::comm {

/// Pairs exchange whole buffers, at distances 1, 2, 4, ... (Thakur, Rabenseifner and Gropp,
/// "Optimization of Collective Communication Operations in MPICH", IJHPCA 2005): about log2 N
/// messages one after the other instead of the ring's 2(N-1), each of the whole buffer. Of a number
/// of ranks that is no power of two the last ones hand their values in first and get the result
/// last. Each pair adds the lower rank's part first, so that all ranks get the same bits, in every
/// run. For short buffers; the traffic of a rank is log2 N times the buffer.
class RecursiveDoubling final : public Algorithm {
  public:
    /// Collective: talks on a duplicate of `ranks`.
    explicit RecursiveDoubling(const mpi::Communicator& ranks);
    /// Operations must have finished, unless the process is about to be aborted.
    ~RecursiveDoubling() override;
    RecursiveDoubling(const RecursiveDoubling&) = delete;
    RecursiveDoubling& operator=(const RecursiveDoubling&) = delete;
    RecursiveDoubling(RecursiveDoubling&&) = delete;
    RecursiveDoubling& operator=(RecursiveDoubling&&) = delete;

    [[nodiscard]] std::string_view name() const override { return "recursive_doubling"; }
    [[nodiscard]] OperationHandle start(const Buffer& buffer) override;

  private:
    class Run;
    struct Shared;
    std::unique_ptr<Shared> shared_;
};

}  // namespace hpml::comm
