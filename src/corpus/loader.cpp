#include "corpus/loader.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <utility>

#include "base/clock.h"
#include "base/error.h"
#include "corpus/micro_batch_source.h"
#include "corpus/prefetcher.h"
#include "corpus/sample_source.h"

namespace hpml::corpus {

namespace {

/// A rank's micro-batches of one step.
struct Range {
    std::int64_t first = 0;
    std::int64_t last = 0;
};

using RangeOf = std::function<Range(std::int64_t step)>;

/// Walks through one rank's micro-batches of step after step.
class Cursor {
  public:
    Cursor(std::int64_t step, RangeOf range_of)
        : range_of_(std::move(range_of)),
          step_(step),
          range_(range_of_(step)),
          index_(range_.first) {}

    [[nodiscard]] bool is_empty() const { return range_.first == range_.last; }

    void make_next(MicroBatchSource& source, Batch& batch) {
        expects(!is_empty(), "a rank that owns micro-batches");
        source.make(step_, index_, batch);
        if (++index_ == range_.last) {
            range_ = range_of_(++step_);
            index_ = range_.first;
        }
    }

  private:
    RangeOf range_of_;
    std::int64_t step_;
    Range range_;
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
        expects(step >= 0 && first >= 0 && first <= last && last <= source_.count(step),
                "a part of the global batch's micro-batches");
        place(Cursor(step, [=](std::int64_t) { return Range{first, last}; }));
    }

    void seek_share(std::int64_t step, int rank, int ranks) {
        place(Cursor(step, [=, this](std::int64_t at) { return share(at, rank, ranks); }));
    }

    [[nodiscard]] Range share(std::int64_t step, std::int64_t rank, std::int64_t ranks) const {
        const std::int64_t count = source_.count(step);
        return {count * rank / ranks, count * (rank + 1) / ranks};
    }

    const Batch& next() {
        const Stopwatch watch;
        if (!cursor_) {
            seek_share(0, 0, 1);
        }
        if (prefetcher_) {
            prefetcher_->next(current_);
        } else {
            cursor_->make_next(source_, current_);
        }
        stalled_ += watch.elapsed();
        return current_;
    }

    [[nodiscard]] Seconds stalled() const { return stalled_; }

  private:
    void place(Cursor cursor) {
        prefetcher_.reset();
        cursor_.emplace(std::move(cursor));
        if (prefetch_ > 0 && !cursor_->is_empty()) {
            prefetcher_.emplace(prefetch_,
                                [this](Batch& batch) { cursor_->make_next(source_, batch); });
        }
    }

    MicroBatchSource source_;
    int prefetch_;
    std::optional<Cursor> cursor_;  // the prefetcher's thread's alone while there is one
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

void Loader::seek_share(Step step, int rank, int ranks) {
    state_->seek_share(step.value, rank, ranks);
}

std::int64_t Loader::share(Step step, int rank, int ranks) const {
    const Range range = state_->share(step.value, rank, ranks);
    return range.last - range.first;
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
