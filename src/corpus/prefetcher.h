#pragma once

#include <condition_variable>
#include <cstddef>
#include <exception>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

#include "corpus/batch.h"

namespace hpml::corpus {

/// A thread that fills batches ahead of their use, at most `depth` of them.
class Prefetcher {
  public:
    using Make = std::function<void(Batch&)>;

    /// @param make  fills the next batch; called by the thread only, one call at a time
    Prefetcher(int depth, Make make);
    ~Prefetcher() = default;
    Prefetcher(const Prefetcher&) = delete;
    Prefetcher& operator=(const Prefetcher&) = delete;
    Prefetcher(Prefetcher&&) = delete;
    Prefetcher& operator=(Prefetcher&&) = delete;

    /// Swap `batch` for the next one, in order; its memory is used again.
    /// @throw what `make` threw, once the batches before are taken, and at every call from then on
    void next(Batch& batch);

  private:
    void work(const std::stop_token& stop);

    std::size_t depth_;
    Make make_;
    std::mutex mutex_;
    std::condition_variable_any changed_;
    std::vector<Batch> batches_;  ///< [depth] a ring: a batch's memory is used again
    std::size_t first_ = 0;       ///< of those that are ready
    std::size_t ready_ = 0;
    std::exception_ptr failure_;
    std::jthread thread_;  // last: it starts when all else is there and ends before all else
};

}  // namespace hpml::corpus
