#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include "corpus/batch.h"
#include "corpus/loader.h"
#include "corpus/manifest.h"

namespace hpml::corpus {

/// Masked samples of a split, whatever files they come from.
class SampleSource {
  public:
    virtual ~SampleSource() = default;
    SampleSource(const SampleSource&) = delete;
    SampleSource& operator=(const SampleSource&) = delete;
    SampleSource(SampleSource&&) = delete;
    SampleSource& operator=(SampleSource&&) = delete;

    [[nodiscard]] virtual std::int64_t rows() const = 0;
    /// Append the sample at a position of the endless training order. One thread at a time.
    /// @throw MissingInputError, InputError, IoError
    virtual void append_ordered(Batch& batch, std::int64_t position) = 0;
    /// Append row `row` of the split, as it is masked for validation. One thread at a time.
    virtual void append_row(Batch& batch, std::int64_t row) = 0;

  protected:
    SampleSource() = default;
};

/// The samples of a data folder or of a folder of masked rows. Of the options, seed, masking and
/// presence count.
/// @throw as SplitReader; InputError for a training split without rows
[[nodiscard]] std::unique_ptr<SampleSource> open_samples(const std::filesystem::path& data,
                                                         const Manifest& manifest, Split split,
                                                         const LoaderOptions& options);

}  // namespace hpml::corpus
