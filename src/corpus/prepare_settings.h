#pragma once

#include <vector>

#include "base/hash.h"
#include "base/json.h"
#include "corpus/prepare.h"
#include "corpus/prepare_input.h"
#include "text/vocabulary.h"

namespace hpml::corpus {

/// Everything that decides the shards' bytes, under the names of the options. No path is in it.
[[nodiscard]] Json prepare_settings(const PrepareOptions& options,
                                    const text::Vocabulary& vocabulary,
                                    const std::vector<InputEntry>& inputs);
[[nodiscard]] Digest settings_hash(const Json& settings);

/// What an output folder holds for these settings.
enum class OutputState {
    New,         ///< nothing of ours
    Unfinished,  ///< begun with the same settings, no manifest yet
    Finished,    ///< manifest and all shards, with their sizes
};

/// @throw MismatchError with a table of the settings that differ; InputError for a bad file
[[nodiscard]] OutputState examine_output(const std::filesystem::path& output, const Json& settings);
/// Note the settings in the folder, so that a later run can compare. @throw OutputError, IoError
void write_settings(const std::filesystem::path& output, const Json& settings);

}  // namespace hpml::corpus
