#pragma once

#include <cstdint>
#include <vector>

namespace hpml::corpus {

/// An endless order of the rows of several files in which each file's rows stand together, so that
/// one file at a time need be in memory: in every epoch the files in another order, and the rows of
/// each in another order, both keyed by (seed, epoch). A row occurs once an epoch.
class FileOrder {
  public:
    struct Place {
        std::int64_t epoch = 0;
        std::size_t file = 0;
        std::int64_t row = 0;  ///< of the file
    };

    /// @param rows  of each file; 0 is allowed
    FileOrder(std::vector<std::int64_t> rows, std::uint64_t seed);

    [[nodiscard]] std::int64_t rows() const noexcept { return total_; }
    /// O(files) at the first position of an epoch, then O(log files).
    [[nodiscard]] Place at(std::int64_t position);

  private:
    void begin_epoch(std::int64_t epoch);

    std::vector<std::int64_t> rows_;
    std::uint64_t seed_;
    std::int64_t total_ = 0;
    std::int64_t epoch_ = -1;           ///< of what stands below
    std::vector<std::size_t> files_;    ///< in this epoch's order
    std::vector<std::int64_t> begins_;  ///< [files + 1] where they begin in the epoch
};

}  // namespace hpml::corpus
