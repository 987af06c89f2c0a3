#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/log.h"
#include "corpus/manifest.h"
#include "corpus/prepare_input.h"
#include "corpus/prepare_lock.h"
#include "corpus/prepare_settings.h"
#include "mpi/communicator.h"
#include "text/tokenizer.h"

namespace hpml::corpus {

/// The folder into which shards are prepared: who may write there, whether they are there already,
/// and what ends the work. Everything is collective.
class PrepareOutput {
  public:
    /// The settings for inputs of this content.
    using SettingsOf = std::function<Json(const Digest& content)>;

    /// @param ranks, log  outlive this
    PrepareOutput(std::filesystem::path output, const mpi::Communicator& ranks, const Log& log);

    /// Keep other preparations out, and clear away what killed ones left; once is enough.
    /// @throw OutputError as PrepareLock
    void lock();
    /// Compare what is there with what is to be made, lock and note the settings; what is finished
    /// needs neither the lock nor a folder that can be written to.
    /// @throw MismatchError with a table of the settings that differ; OutputError, IoError
    [[nodiscard]] OutputState open(const std::vector<InputEntry>& inputs,
                                   const SettingsOf& settings_of);
    /// Complete the manifest by what the shards and the tokenizer say, write it last, and remove
    /// the scratch. @throw OutputError, IoError
    void publish(Manifest& manifest, const text::Tokenizer& tokenizer) const;

    /// As `open` found them.
    [[nodiscard]] const Json& settings() const { return settings_; }
    [[nodiscard]] const std::filesystem::path& path() const { return output_; }
    /// A scratch file or, without a name, the folder of all.
    [[nodiscard]] std::filesystem::path scratch(std::string_view name = "") const {
        return name.empty() ? output_ / ".work" : output_ / ".work" / name;
    }
    /// On the rank that calls. A failure is of no consequence.
    void remove_scratch() const noexcept;

  private:
    [[nodiscard]] OutputState compare(Json settings);
    /// The scratch of a run that was killed after it had finished, unless another works there.
    void remove_what_a_kill_left() const;

    std::filesystem::path output_;
    const mpi::Communicator& ranks_;
    const Log& log_;
    bool is_locked_ = false;
    std::optional<PrepareLock> lock_;  ///< on rank 0
    Json settings_;
};

}  // namespace hpml::corpus
