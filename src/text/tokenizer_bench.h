#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "base/megabytes.h"
#include "base/units.h"
#include "text/tokenizer.h"

namespace hpml::text {

struct TokenizerRates {
    std::int64_t documents = 0;
    std::int64_t tokens = 0;
    Bytes bytes;     ///< of the documents' text
    Seconds best;    ///< of the passes over all documents
    Seconds median;  ///< likewise

    /// Of the median pass.
    [[nodiscard]] double megabytes_per_second() const { return megabytes(bytes) / median.value; }
};

/// Hold the documents of these files in memory and encode them all `passes` times on this core, ids
/// only.
/// @throw MissingInputError, InputError as DocumentFile
[[nodiscard]] TokenizerRates measure_tokenizer(const Tokenizer& tokenizer,
                                               const std::vector<std::filesystem::path>& files,
                                               std::int64_t passes);

}  // namespace hpml::text
