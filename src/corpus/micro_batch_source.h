#pragma once

#include <cstdint>
#include <filesystem>

#include "corpus/batch.h"
#include "corpus/loader.h"
#include "corpus/order.h"
#include "corpus/split_reader.h"

namespace hpml::corpus {

/// Makes any micro-batch of the training split: a pure function of the corpus, the options and
/// (step, index), whoever asks and in whatever order.
class MicroBatchSource {
  public:
    /// @throw UsageError if the micro-batch does not divide the global batch; as SplitReader
    MicroBatchSource(const std::filesystem::path& data, const Manifest& manifest,
                     const LoaderOptions& options);

    /// Micro-batches in a global batch.
    [[nodiscard]] std::int64_t count() const { return global_batch_ / micro_batch_; }
    /// Fill `batch` with micro-batch `index` of `step`. Any thread. @throw InputError, IoError
    void make(std::int64_t step, std::int64_t index, Batch& batch) const;

  private:
    SplitReader reader_;
    Order order_;
    std::int64_t global_batch_;
    std::int64_t micro_batch_;
    std::uint64_t seed_;
    MaskingOptions masking_;
};

}  // namespace hpml::corpus
