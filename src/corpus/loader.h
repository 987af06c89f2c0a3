#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include "base/units.h"
#include "corpus/batch.h"
#include "corpus/manifest.h"
#include "corpus/masking.h"
#include "corpus/shard.h"

namespace hpml::corpus {

/// Which split of a corpus.
enum class Split { Train, Validation };

/// Whether the shards' presence and sizes are looked at: one rank of a node may do it for all.
enum class Presence { Check, Known };

/// Which samples a loader gives. The global batch of `step` holds the positions step * global_batch
/// ... of the endless order of samples (epoch after epoch, each a permutation keyed by (seed,
/// epoch)); it is cut into global_batch / micro_batch micro-batches, numbered without regard to
/// ranks.
struct LoaderOptions {
    std::int64_t global_batch = 256;  ///< sequences
    std::int64_t micro_batch = 32;    ///< sequences; divides global_batch
    std::uint64_t seed = 42;
    MaskingOptions masking;
    int prefetch = 2;  ///< micro-batches prepared ahead by a thread; 0: none, read in the caller
    Presence presence = Presence::Check;
};

/// Reads micro-batches of the training split in order, masked. One rank's part is the contiguous
/// range [first, last) of the micro-batches of every global batch.
class Loader {
  public:
    /// Checks presence and size of all shards.
    /// @throw MissingInputError, InputError naming the shard
    Loader(const std::filesystem::path& data, const Manifest& manifest,
           const LoaderOptions& options);
    ~Loader();
    Loader(const Loader&) = delete;
    Loader& operator=(const Loader&) = delete;
    Loader(Loader&&) = delete;
    Loader& operator=(Loader&&) = delete;

    /// From now on `next()` gives micro-batches first..last-1 of `step`, then those of step + 1,
    /// ...
    void seek(Step step, std::int64_t first, std::int64_t last);
    /// The next micro-batch; valid until the next call. A shard's hash and schema are checked when
    /// its first row is read. @throw InputError naming the shard; IoError
    [[nodiscard]] const Batch& next();
    /// Seconds that `next()` had to wait for data since construction.
    [[nodiscard]] Seconds stalled() const;

  private:
    class State;
    std::unique_ptr<State> state_;
};

/// The validation split in its stored order, masked once and for all (epoch 0 of the seed), cut
/// into micro-batches of `micro_batch` rows (the last may be shorter), numbered from 0.
class ValidationSet {
  public:
    /// Of the options, micro_batch, seed, masking and presence count.
    ValidationSet(const std::filesystem::path& data, const Manifest& manifest,
                  const LoaderOptions& options);
    ValidationSet(const std::filesystem::path& data, const Manifest& manifest,
                  std::int64_t micro_batch, std::uint64_t seed, const MaskingOptions& masking);
    ~ValidationSet();
    ValidationSet(const ValidationSet&) = delete;
    ValidationSet& operator=(const ValidationSet&) = delete;
    ValidationSet(ValidationSet&&) = delete;
    ValidationSet& operator=(ValidationSet&&) = delete;

    [[nodiscard]] std::int64_t micro_batches() const;
    [[nodiscard]] Batch micro_batch(std::int64_t index) const;

  private:
    class State;
    std::unique_ptr<State> state_;
};

}  // namespace hpml::corpus
