#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include "corpus/batch.h"
#include "corpus/loader.h"
#include "corpus/manifest.h"
#include "corpus/sample_source.h"

namespace hpml::corpus {

/// Makes any micro-batch of the training split: a pure function of the corpus, the options and
/// (step, index), whoever asks and in whatever order.
class MicroBatchSource {
  public:
    /// @throw UsageError if the micro-batch does not divide the global batch; as open_samples
    MicroBatchSource(const std::filesystem::path& data, const Manifest& manifest,
                     const LoaderOptions& options);

    /// Micro-batches in the global batch of a step.
    [[nodiscard]] std::int64_t count(std::int64_t step) const {
        return ramp_.batch(step) / micro_batch_;
    }
    /// Fill `batch` with micro-batch `index` of `step`. One thread at a time; asks for no memory
    /// once batch and this have grown. @throw InputError, IoError
    void make(std::int64_t step, std::int64_t index, Batch& batch);

  private:
    std::unique_ptr<SampleSource> samples_;
    BatchRamp ramp_;
    std::int64_t micro_batch_;
    std::int64_t longest_;  ///< tokens of a row
};

}  // namespace hpml::corpus
