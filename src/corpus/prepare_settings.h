#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/hash.h"
#include "base/json.h"
#include "corpus/prepare.h"
#include "corpus/prepare_input.h"
#include "text/tokenizer.h"

namespace hpml::corpus {

/// Everything that decides the pieces of token ids, under the names of the options. No path and no
/// time is in it.
/// @param content  of the inputs, as input_content gives it
[[nodiscard]] Json piece_settings(const PrepareOptions& options, const text::Tokenizer& tokenizer,
                                  const std::vector<InputEntry>& inputs, const Digest& content);
/// With them, everything that decides the bytes of the shards of one length.
[[nodiscard]] Json corpus_settings(const PrepareOptions& options, std::int64_t sequence_length,
                                   Json pieces);
/// Of them, what says which inputs they are, under the same names in every kind of preparation.
[[nodiscard]] Json input_settings(const std::vector<InputEntry>& inputs, const Digest& content);
[[nodiscard]] Digest settings_hash(const Json& settings);
/// A line for each of the settings `now` that is another one `there`, each after a newline; empty:
/// none.
[[nodiscard]] std::string differing_settings(const Json& there, const Json& now);

/// What an output folder holds for these settings.
enum class OutputState {
    New,         ///< nothing of ours
    Unfinished,  ///< begun with the same settings, no manifest yet
    Finished,    ///< manifest and all shards, with their sizes
};

/// @throw MismatchError with a table of the settings that differ; InputError for a bad file
[[nodiscard]] OutputState examine_output(const std::filesystem::path& output, const Json& settings);
/// Note the settings in the folder, so that a later run can compare, and the stamp of the inputs,
/// so that it need not read them. @throw OutputError, IoError
void write_settings(const std::filesystem::path& output, const Json& settings, const Digest& stamp);
/// The hash of the inputs' content that an earlier run has noted, if the inputs have this stamp
/// still. @throw InputError for a bad file
[[nodiscard]] std::optional<Digest> known_content(const std::filesystem::path& output,
                                                  const Digest& stamp);

}  // namespace hpml::corpus
