#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include "base/units.h"
#include "corpus/batch.h"
#include "corpus/batch_ramp.h"
#include "corpus/manifest.h"
#include "corpus/masking.h"
#include "corpus/shard.h"

namespace hpml::corpus {

/// Which split of a corpus.
enum class Split { Train, Validation };

/// Whether the shards' presence and sizes are looked at: one rank of a node may do it for all.
enum class Presence { Check, Known };

/// Which samples a loader gives. The global batch of `step` holds the next positions behind those
/// of the steps before of the endless order of samples (epoch after epoch, each a permutation keyed
/// by (seed, epoch)): step * global_batch ..., unless the batch is ramped up. It is cut into
/// micro-batches of `micro_batch`, numbered without regard to ranks.
struct LoaderOptions {
    std::int64_t global_batch = 256;  ///< sequences
    std::int64_t micro_batch = 32;    ///< sequences; divides global_batch
    BatchRamp ramp = {};              ///< its `full` is global_batch, whatever it says
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
    /// From now on `next()` gives the micro-batches of `step` that are this rank's where each
    /// step's are shared out over `ranks`, then those of step + 1, ... Every rank has some.
    void seek_share(Step step, int rank, int ranks);
    /// How many of them there are in a step.
    [[nodiscard]] std::int64_t share(Step step, int rank, int ranks) const;
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
