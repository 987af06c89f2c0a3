#pragma once

#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <vector>

#include "base/error.h"
#include "corpus/loader.h"
#include "corpus/manifest.h"
#include "corpus/shard.h"
#include "support/data.h"

namespace hpml::test {

constexpr text::SpecialTokens kSpecial{0, 1, 2, 3, 4};
constexpr std::int32_t kVocabularySize = 1000;
constexpr std::int64_t kLongest = 24;

inline corpus::MaskingOptions masking_options() {
    corpus::MaskingOptions options;
    options.special = kSpecial;
    options.vocabulary_size = kVocabularySize;
    return options;
}

inline corpus::ShardFormat sample_format(std::int64_t vocabulary_size = kVocabularySize) {
    return {kLongest, vocabulary_size, {1, 2}, {3, 4}};
}

/// Row `number` of the made-up corpus: 3 to kLongest tokens, all decided by the number.
inline std::vector<std::int32_t> sample_row(std::int64_t number) {
    std::vector<std::int32_t> tokens{kSpecial.cls};
    const std::int64_t words = 1 + number * 7 % (kLongest - 2);
    for (std::int64_t i = 0; i < words; ++i) {
        tokens.push_back(static_cast<std::int32_t>(5 + (number * 131 + i * 17) % 990));
    }
    tokens.push_back(kSpecial.sep);
    return tokens;
}

/// Write `rows` rows from number `first` on as one shard.
inline corpus::ShardEntry write_shard(const std::filesystem::path& path, std::int64_t first,
                                      std::int64_t rows,
                                      const corpus::ShardFormat& format = sample_format()) {
    corpus::ShardWriter writer(path, format);
    for (std::int64_t row = first; row < first + rows; ++row) {
        writer.append(sample_row(row), row / 3);
    }
    return writer.publish();
}

/// A data folder of `rows` training rows in `shards` shards as equal as can be, and 10 validation
/// rows.
inline corpus::Manifest write_corpus(const std::filesystem::path& data, std::int64_t rows,
                                     std::int64_t shards) {
    corpus::Manifest manifest;
    manifest.sequence_length = kLongest;
    manifest.documents = rows;
    manifest.validation_documents = 1;
    manifest.vocabulary_size = kVocabularySize;
    manifest.vocabulary_hash = sample_format().vocabulary_hash;
    manifest.settings_hash = sample_format().settings_hash;
    manifest.unigram_entropy_nats = 6.5;
    for (std::int64_t shard = 0; shard < shards; ++shard) {
        const std::int64_t first = rows * shard / shards;
        const std::int64_t last = rows * (shard + 1) / shards;
        manifest.train.push_back(
            write_shard(data / ("train-" + std::to_string(shard) + ".h5"), first, last - first));
        manifest.train_tokens += manifest.train.back().tokens;
    }
    manifest.validation.push_back(write_shard(data / "validation-0.h5", 100000, 10));
    manifest.validation_tokens = manifest.validation.back().tokens;
    corpus::write_manifest(data, manifest);
    return manifest;
}

inline std::string read_bytes(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

/// Run it; it must throw Expected, whose text must have all parts.
template <class Expected>
void must_fail(const std::function<void()>& action, const std::vector<std::string>& parts) {
    try {
        action();
        BOOST_ERROR("nothing was thrown");
    } catch (const Expected& error) {
        for (const std::string& part : parts) {
            BOOST_TEST((std::string(error.what()).find(part) != std::string::npos),
                       "'" << part << "' is not in: " << error.what());
        }
    }
}

}  // namespace hpml::test
