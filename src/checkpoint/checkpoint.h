#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/log.h"
#include "base/units.h"
#include "checkpoint/file_image.h"
#include "manifest/manifest.h"
#include "manifest/share.h"
#include "model/safetensors.h"
#include "text/tokenizer.h"

namespace hpml::checkpoint {

/// What one checkpoint folder holds. No wall-clock time inside: the same state gives the same
/// bytes.
struct Contents {
    Step step;
    std::vector<TensorPart> model;      ///< model.safetensors, Hugging Face names
    std::vector<TensorPart> optimizer;  ///< optimizer.safetensors; empty: no such file (fine-tuned
                                        ///< models)
    Json state;                         ///< state.json: counters, seeds, settings
    Json config;                        ///< config.json
    Json tokenizer_config;              ///< tokenizer_config.json
    std::vector<text::TokenizerFile> vocabulary;  ///< vocab.txt, or vocab.json and merges.txt
    std::string milestone;                        ///< why it is kept for good; empty: it is not

    /// Take the last two from a tokenizer's files.
    /// @param longest  row that the model takes, in tokens
    void set_tokenizer(std::vector<text::TokenizerFile> files, std::int64_t longest);
};

/// A folder `checkpoints/step-NNNNNNNN` whose MANIFEST.json verifies: every file present, its size
/// and XXH3-128 right, the manifest's hash of itself right, the step in its name the step inside.
/// Only such a folder exists as a checkpoint.
struct Checkpoint {
    Step step;
    std::filesystem::path folder;
    Bytes bytes{};               ///< of all files in the manifest; 0 in a mere listing
    std::string milestone = {};  ///< why it is kept for good; empty: it is not, or a mere listing
};

/// Write by one process, see Save: all that it does, one after the other.
/// @param before_publish  called when all is written, right before the rename; what it throws
/// leaves everything as it was
/// @throw IoError if anything fails (disk full); the temporary folder is removed and older
/// checkpoints stay
Checkpoint write_checkpoint(const std::filesystem::path& run, std::int64_t generation,
                            const Contents& contents,
                            const std::function<void()>& before_publish = {});
/// Write the same files into `folder` itself (a fine-tuned model's folder), by way of a temporary
/// folder.
void write_model_folder(const std::filesystem::path& folder, const Contents& contents);

/// Verify one checkpoint folder. @throw InputError naming the file, what was expected and what was
/// found
[[nodiscard]] Checkpoint verify_checkpoint(const std::filesystem::path& folder);
/// Of several that verify one folder together: everything but the hashes, and of these the share's
/// own. @throw InputError likewise
[[nodiscard]] Checkpoint verify_share(const std::filesystem::path& folder, const Manifest& manifest,
                                      Share share);
/// What to do with a run that has checkpoints but no valid one.
enum class IfNoneIsValid { Refuse, StartOver };
using Verify = std::function<Checkpoint(const std::filesystem::path&)>;
/// The newest valid checkpoint of a run. A bad one is renamed to `step-N.corrupt`, said on `log`,
/// and the one before it is tried, as it is for one that cannot be read now; leftovers `.tmp-*` are
/// removed, and a checkpoint that an interrupted exchange had set aside gets its name back.
/// @return nothing if the run has no checkpoint at all, or none is valid and the user asked to
///         start over: then all are set aside, said on `log`
/// @throw InputError if there are checkpoints but none is valid (never start anew silently); what
///        `verify` throws that is no failure of the checkpoint (memory, communication)
[[nodiscard]] std::optional<Checkpoint> newest_checkpoint(
    const std::filesystem::path& run, const Log& log, IfNoneIsValid if_none = IfNoneIsValid::Refuse,
    const Verify& verify = verify_checkpoint);
/// Valid or not, by step, oldest first.
[[nodiscard]] std::vector<Checkpoint> list_checkpoints(const std::filesystem::path& run);
/// Keep the newest `keep` checkpoints and all milestones (rename, then remove, so that none is half
/// there under its name), and of those that would go the newest valid one if no kept one is valid.
/// @param known_valid  of this step is not read again: this process has just written it
void retain(const std::filesystem::path& run, std::int64_t keep,
            std::optional<Step> known_valid = std::nullopt);

}  // namespace hpml::checkpoint
