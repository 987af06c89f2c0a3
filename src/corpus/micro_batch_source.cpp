#include "corpus/micro_batch_source.h"

#include <limits>
#include <string>

#include "base/error.h"

namespace hpml::corpus {

namespace {

void check_batches(const Manifest& manifest, const LoaderOptions& options) {
    if (options.micro_batch < 1 || options.global_batch < 1 ||
        options.global_batch % options.micro_batch != 0) {
        throw UsageError("global batch " + std::to_string(options.global_batch) +
                         " is not a multiple of micro-batch " +
                         std::to_string(options.micro_batch) +
                         " (micro-batches are numbered alike on every number of ranks); choose a "
                         "divisor");
    }
    if (options.ramp.start % options.micro_batch != 0 ||
        options.ramp.increment % options.micro_batch != 0) {
        throw UsageError("the batch ramp from " + std::to_string(options.ramp.start) + " by " +
                         std::to_string(options.ramp.increment) +
                         " sequences is not one of whole micro-batches of " +
                         std::to_string(options.micro_batch) + "; choose multiples of that");
    }
    if (options.micro_batch > std::numeric_limits<std::int32_t>::max() / manifest.sequence_length) {
        throw UsageError("a micro-batch of " + std::to_string(options.micro_batch) +
                         " sequences of up to " + std::to_string(manifest.sequence_length) +
                         " tokens has more than 2^31 - 1 tokens; choose a smaller one");
    }
}

}  // namespace

MicroBatchSource::MicroBatchSource(const std::filesystem::path& data, const Manifest& manifest,
                                   const LoaderOptions& options)
    : samples_(
          (check_batches(manifest, options), open_samples(data, manifest, Split::Train, options))),
      ramp_(options.ramp),
      micro_batch_(options.micro_batch),
      longest_(manifest.sequence_length) {
    ramp_.full = options.global_batch;
}

void MicroBatchSource::make(std::int64_t step, std::int64_t index, Batch& batch) {
    expects(step >= 0 && index >= 0 && index < count(step), "a micro-batch of the global batch");
    batch.reserve(static_cast<std::size_t>(micro_batch_),
                  static_cast<std::size_t>(micro_batch_ * longest_));
    batch.clear();
    const std::int64_t first = ramp_.first_sequence(step) + index * micro_batch_;
    for (std::int64_t position = first; position < first + micro_batch_; ++position) {
        samples_->append_ordered(batch, position);
    }
}

}  // namespace hpml::corpus
