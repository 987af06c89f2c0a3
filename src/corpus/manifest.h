#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "text/tokenizer.h"

namespace hpml::corpus {

struct ShardEntry {
    std::string name;  ///< file name in the data folder, [A-Za-z0-9._-]+
    std::int64_t rows = 0;
    std::int64_t tokens = 0;
    std::uint64_t bytes = 0;
    Digest hash;  ///< of the whole file
};

/// Our shards, or files of the predecessors, which have no manifest.json (`read_masked_folder`).
enum class CorpusKind { Shards, MaskedRows };

/// `manifest.json` of a prepared corpus. The keys are documented in data/README.md.
struct Manifest {
    int format_version = 1;
    CorpusKind kind = CorpusKind::Shards;  ///< not stored
    std::int64_t sequence_length = 0;      ///< longest row, special tokens included
    std::int64_t documents = 0;
    std::int64_t validation_documents = 0;
    std::int64_t exact_duplicates = 0;   ///< documents of an earlier one's text, left out
    std::int64_t near_duplicates = 0;    ///< documents like an earlier one, left out
    std::int64_t train_tokens = 0;       ///< special tokens included
    std::int64_t validation_tokens = 0;  ///< likewise
    double unigram_entropy_nats = 0;     ///< of the training tokens without special ones
    text::TokenizerKind tokenizer = text::TokenizerKind::WordPiece;
    bool lower_case = true;
    bool pairs = false;  ///< rows have two parts, for next-sentence prediction
    std::int64_t vocabulary_size = 0;
    Digest vocabulary_hash;       ///< of the tokenizer, whose files lie in the data folder
    std::int64_t padding_id = 0;  ///< in this vocabulary; not stored
    Digest settings_hash;         ///< of everything that decides the shards' bytes
    std::vector<ShardEntry> train;
    std::vector<ShardEntry> validation;

    [[nodiscard]] std::int64_t train_rows() const;
    [[nodiscard]] std::int64_t validation_rows() const;
    /// Set train_tokens and validation_tokens to what the shards hold.
    void count_tokens();
    /// Hash over all content hashes: two data folders with the same digest train the same way.
    [[nodiscard]] Digest digest() const;
};

/// @throw MissingInputError if there is no manifest (no or unfinished preparation), InputError if
/// it is bad
[[nodiscard]] Manifest read_manifest(const std::filesystem::path& data);
/// The same of the file's text. @param where  what to call it in messages
[[nodiscard]] Manifest parse_manifest(std::string_view text, const std::string& where);
void write_manifest(const std::filesystem::path& data, const Manifest& manifest);

}  // namespace hpml::corpus
