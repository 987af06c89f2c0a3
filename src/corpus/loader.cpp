#include "corpus/loader.h"

#include <algorithm>
#include <optional>

#include "base/clock.h"
#include "base/error.h"
#include "corpus/micro_batch_source.h"
#include "corpus/prefetcher.h"
#include "corpus/sample_source.h"

namespace hpml::corpus {

namespace {

/// Walks through one rank's micro-batches: first..last-1 of every step.
class Cursor {
  public:
    Cursor(std::int64_t step, std::int64_t first, std::int64_t last)
        : step_(step), first_(first), last_(last), index_(first) {}

    void make_next(MicroBatchSource& source, Batch& batch) {
        source.make(step_, index_, batch);
        if (++index_ == last_) {
            index_ = first_;
            ++step_;
        }
    }

  private:
    std::int64_t step_;
    std::int64_t first_;
    std::int64_t last_;
    std::int64_t index_;
};

}  // namespace

class Loader::State {
  public:
    State(const std::filesystem::path& data, const Manifest& manifest, const LoaderOptions& options)
        : source_(data, manifest, options), prefetch_(options.prefetch) {
        expects(prefetch_ >= 0, "a prefetch depth from 0");
    }

    void seek(std::int64_t step, std::int64_t first, std::int64_t last) {
        expects(step >= 0 && first >= 0 && first <= last && last <= source_.count(),
                "a part of the global batch's micro-batches");
        prefetcher_.reset();
        is_empty_ = first == last;
        cursor_ = Cursor(step, first, last);
        if (prefetch_ > 0 && !is_empty_) {
            prefetcher_.emplace(prefetch_,
                                [this](Batch& batch) { cursor_.make_next(source_, batch); });
        }
        is_placed_ = true;
    }

    const Batch& next() {
        const Stopwatch watch;
        if (!is_placed_) {
            seek(0, 0, source_.count());
        }
        expects(!is_empty_, "a rank that owns micro-batches");
        if (prefetcher_) {
            prefetcher_->next(current_);
        } else {
            cursor_.make_next(source_, current_);
        }
        stalled_ += watch.elapsed();
        return current_;
    }

    [[nodiscard]] Seconds stalled() const { return stalled_; }

  private:
    MicroBatchSource source_;
    int prefetch_;
    Cursor cursor_{0, 0, 1};
    bool is_placed_ = false;
    bool is_empty_ = false;
    Batch current_;
    Seconds stalled_;
    std::optional<Prefetcher> prefetcher_;  // last: its thread uses what stands above
};

Loader::Loader(const std::filesystem::path& data, const Manifest& manifest,
               const LoaderOptions& options)
    : state_(std::make_unique<State>(data, manifest, options)) {}
Loader::~Loader() = default;

void Loader::seek(Step step, std::int64_t first, std::int64_t last) {
    state_->seek(step.value, first, last);
}

const Batch& Loader::next() { return state_->next(); }

Seconds Loader::stalled() const { return state_->stalled(); }

class ValidationSet::State {
  public:
    State(const std::filesystem::path& data, const Manifest& manifest, const LoaderOptions& options)
        : samples(open_samples(data, manifest, Split::Validation, options)),
          micro_batch(options.micro_batch) {
        expects(micro_batch > 0, "a micro-batch of at least one row");
    }

    std::unique_ptr<SampleSource> samples;
    std::int64_t micro_batch;
};

ValidationSet::ValidationSet(const std::filesystem::path& data, const Manifest& manifest,
                             const LoaderOptions& options)
    : state_(std::make_unique<State>(data, manifest, options)) {}
ValidationSet::ValidationSet(const std::filesystem::path& data, const Manifest& manifest,
                             std::int64_t micro_batch, std::uint64_t seed,
                             const MaskingOptions& masking)
    : ValidationSet(data, manifest,
                    LoaderOptions{.micro_batch = micro_batch, .seed = seed, .masking = masking}) {}
ValidationSet::~ValidationSet() = default;

std::int64_t ValidationSet::micro_batches() const {
    return (state_->samples->rows() + state_->micro_batch - 1) / state_->micro_batch;
}

Batch ValidationSet::micro_batch(std::int64_t index) const {
    expects(index >= 0 && index < micro_batches(), "a micro-batch of the validation split");
    Batch batch;
    batch.clear();
    const std::int64_t first = index * state_->micro_batch;
    const std::int64_t last = std::min(first + state_->micro_batch, state_->samples->rows());
    for (std::int64_t row = first; row < last; ++row) {
        state_->samples->append_row(batch, row);
    }
    return batch;
}

}  // namespace hpml::corpus
