#pragma once

#include <cstdint>
#include <filesystem>

#include "base/units.h"
#include "corpus/loader.h"

namespace hpml::corpus {

struct LoaderRates {
    std::int64_t micro_batches = 0;
    Tokens tokens;
    Seconds opening;      ///< to read the manifest and look at all shards
    Seconds first_batch;  ///< from there to the first micro-batch
    Seconds reading;      ///< from the first micro-batch to the last
    Seconds stalled;      ///< of `reading`, spent waiting for data
    double tokens_per_second = 0;
};

/// Open a data folder and read `micro_batches` micro-batches as one rank would, as fast as they
/// come. `options.masking`'s special tokens and vocabulary size are taken from the data folder.
/// @throw MissingInputError, InputError, UsageError as Loader
[[nodiscard]] LoaderRates measure_loader(const std::filesystem::path& data, LoaderOptions options,
                                         std::int64_t micro_batches);

}  // namespace hpml::corpus
