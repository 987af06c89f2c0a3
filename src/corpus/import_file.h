#pragma once

#include <cstdint>
#include <filesystem>

#include "base/hash.h"
#include "corpus/masked_rows.h"
#include "text/tokenizer.h"

namespace hpml::corpus {

/// What is known of a predecessor's file once its rows are hashed.
struct ImportedFile {
    std::int64_t rows = 0;
    std::int64_t sequence_length = 0;
    std::int64_t pair_rows = 0;
    std::int64_t next_sentences = 0;  ///< 1 if the file has labels of them
};

/// Read every row, check it against the vocabulary and write the hashes of the rows.
struct ImportTask {
    std::filesystem::path input;
    std::filesystem::path hashes;  ///< to write; its summary lies beside it, with ".json" added
    Digest settings;
};
/// @return false if there are no finished, undamaged hashes of the same task
[[nodiscard]] bool find_hashes(const ImportTask& task, ImportedFile& file);
/// @throw InputError, IoError, OutputError
[[nodiscard]] ImportedFile make_hashes(const ImportTask& task, const text::Tokenizer& tokenizer);

}  // namespace hpml::corpus
