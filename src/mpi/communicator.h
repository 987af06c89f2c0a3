#pragma once

#include <mpi.h>

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/units.h"

namespace hpml::mpi {

/// Told when this rank begins to wait for the others of a communicator, and when that is over.
class WaitObserver {
  public:
    virtual ~WaitObserver() = default;
    virtual void begin_wait() noexcept = 0;
    virtual void end_wait() noexcept = 0;
};

/// A group of ranks that talk on a context of their own. A null communicator is one rank without
/// MPI, so that programs that need no MPI use the same code.
class Communicator {
  public:
    /// One rank; no MPI call is ever made.
    Communicator() = default;
    /// A duplicate of MPI_COMM_WORLD that returns errors instead of aborting. Collective.
    [[nodiscard]] static Communicator world();
    /// A duplicate of what another program made, which stays as it is. Collective.
    /// @throw UsageError if MPI has not been started, or `ranks` is null or an inter-communicator
    [[nodiscard]] static Communicator duplicate_of(MPI_Comm ranks);
    ~Communicator();
    Communicator(Communicator&& other) noexcept;
    Communicator& operator=(Communicator&& other) noexcept;
    Communicator(const Communicator&) = delete;
    Communicator& operator=(const Communicator&) = delete;

    [[nodiscard]] Rank rank() const noexcept { return rank_; }
    [[nodiscard]] int size() const noexcept { return size_; }
    [[nodiscard]] bool is_root() const noexcept { return rank_.value == 0; }
    [[nodiscard]] bool is_null() const noexcept { return handle_ == MPI_COMM_NULL; }
    [[nodiscard]] MPI_Comm get() const noexcept { return handle_; }

    /// All of these are collective and throw BackendError.
    [[nodiscard]] Communicator duplicate() const;
    /// A duplicate whose waits are told; those of its duplicates and parts are not.
    [[nodiscard]] Communicator watched_by(WaitObserver& observer) const;
    /// The ranks that give the same color, 0 or more, in the order of their ranks here.
    [[nodiscard]] Communicator split(int color) const;
    /// The ranks that share memory with this one.
    [[nodiscard]] Communicator split_by_node() const;
    void barrier() const;
    void broadcast(std::span<std::byte> bytes, Rank root = Rank(0)) const;
    [[nodiscard]] std::string broadcast(std::string text, Rank root = Rank(0)) const;
    void sum(std::span<double> values) const;
    void sum(std::span<std::int64_t> values) const;
    void max(std::span<double> values) const;
    void max(std::span<std::int64_t> values) const;
    /// Every bit that any rank has set.
    void bit_or(std::span<std::int64_t> words) const;
    /// Every rank has its part of `values` and gets all others'.
    /// @param counts  of each rank's part, some may be 0; they adjoin and cover `values`
    void all_gather(std::span<float> values, std::span<const std::int64_t> counts) const;
    /// Every rank's text, in rank order, on every rank.
    [[nodiscard]] std::vector<std::string> all_gather(const std::string& text) const;

  private:
    explicit Communicator(MPI_Comm handle);

    MPI_Comm handle_ = MPI_COMM_NULL;
    Rank rank_{0};
    int size_ = 1;
    WaitObserver* observer_ = nullptr;
};

/// Run `work` on every rank and agree: if it threw anywhere, every rank throws the first failing
/// rank's error (same class of exit code, same text, the rank named when there are several), so
/// that one message is printed and nobody waits. Collective; `work` itself must not communicate.
void agree(const Communicator& ranks, const std::function<void()>& work);

/// `agree` for work that rank 0 alone does while the others wait: files, a lock, a listing.
void on_root(const Communicator& ranks, const std::function<void()>& work);

}  // namespace hpml::mpi
