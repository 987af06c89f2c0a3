#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
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

/// The folder into which shards are prepared, with one corpus or several folders of such: who may
/// write there, whether they are there already, and what ends the work. Everything is collective.
class PrepareOutput {
  public:
    /// The settings of corpus number `corpus` for inputs of this content.
    using SettingsOf = std::function<Json(const Digest& content, std::size_t corpus)>;

    /// @param corpora  folders: `output` itself, or such in it
    /// @param ranks, log  outlive this
    PrepareOutput(std::filesystem::path output, std::vector<std::filesystem::path> corpora,
                  const mpi::Communicator& ranks, const Log& log);
    PrepareOutput(const std::filesystem::path& output, const mpi::Communicator& ranks,
                  const Log& log)
        : PrepareOutput(output, {output}, ranks, log) {}

    /// Keep other preparations out, and clear away what killed ones left; once is enough.
    /// @throw OutputError as PrepareLock
    void lock();
    /// Compare what is there with what is to be made, lock and note the settings; what is finished
    /// needs neither the lock nor a folder that can be written to.
    /// @return Finished if every corpus is
    /// @throw MismatchError with a table of the settings that differ; OutputError, IoError
    [[nodiscard]] OutputState open(const std::vector<InputEntry>& inputs,
                                   const SettingsOf& settings_of);
    /// Complete a corpus's manifest by what the shards and the tokenizer say, and write it last.
    /// @throw OutputError, IoError
    void publish(Manifest& manifest, const text::Tokenizer& tokenizer,
                 std::size_t corpus = 0) const;

    /// Of a corpus, as `open` found them.
    [[nodiscard]] const Json& settings(std::size_t corpus = 0) const {
        return corpora_[corpus].settings;
    }
    [[nodiscard]] OutputState state(std::size_t corpus) const { return corpora_[corpus].state; }
    [[nodiscard]] const std::filesystem::path& folder(std::size_t corpus) const {
        return corpora_[corpus].folder;
    }
    [[nodiscard]] std::size_t corpora() const { return corpora_.size(); }
    /// A scratch file or, without a name, the folder of all.
    [[nodiscard]] std::filesystem::path scratch(std::string_view name = "") const {
        return name.empty() ? output_ / ".work" : output_ / ".work" / name;
    }
    /// On the rank that calls; the last thing. A failure is of no consequence.
    void remove_scratch() const noexcept;

  private:
    struct Corpus {
        std::filesystem::path folder;
        Json settings;
        OutputState state = OutputState::New;
    };

    [[nodiscard]] OutputState compare(const SettingsOf& settings_of, const Digest& content);
    [[nodiscard]] std::string find_content(const Digest& stamp) const;
    /// The scratch of a run that was killed after it had finished, unless another works there.
    void remove_what_a_kill_left() const;
    [[nodiscard]] int remove_leftovers(const PrepareLock& lock) const;

    std::filesystem::path output_;
    std::vector<Corpus> corpora_;
    const mpi::Communicator& ranks_;
    const Log& log_;
    bool is_locked_ = false;
    std::optional<PrepareLock> lock_;  ///< on rank 0
};

}  // namespace hpml::corpus
