#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/units.h"

namespace hpml::train {

/// What one operator of LibTorch, or one node of the backward pass, took on this rank.
struct OperatorTime {
    std::string name;
    std::int64_t calls = 0;
    double total_seconds = 0;
    double self_seconds = 0;  ///< without the operators that it calls
};

/// Times every operator that this thread calls between construction and `finish`, backward passes
/// included. Two clock readings an operator: what takes less than a microsecond is overstated. One
/// at a time in a process.
class OperatorProfile {
  public:
    OperatorProfile();
    ~OperatorProfile();
    OperatorProfile(const OperatorProfile&) = delete;
    OperatorProfile& operator=(const OperatorProfile&) = delete;
    OperatorProfile(OperatorProfile&&) = delete;
    OperatorProfile& operator=(OperatorProfile&&) = delete;

    /// Stop. @return by falling time of their own
    [[nodiscard]] std::vector<OperatorTime> finish();

  private:
    std::uint64_t callback_ = 0;
    bool is_running_ = true;
};

/// A table of the `most` operators with the most time of their own, and the rest as one line.
/// @param seconds  of all steps, to which shares refer
[[nodiscard]] std::string to_text(const std::vector<OperatorTime>& times, double seconds,
                                  std::size_t most);

/// Profiles some steps of a run, after two that warm up, and puts their table on the log.
class ProfileWindow {
  public:
    /// @param steps  0: none
    /// @param log  outlives this
    ProfileWindow(std::int64_t steps, const Log& log) : steps_(steps), log_(log) {}

    void before_step();
    void after_step(Seconds taken);

  private:
    static constexpr std::int64_t kWarmUp = 2;
    static constexpr std::size_t kMostLines = 25;

    std::int64_t steps_;
    const Log& log_;
    std::int64_t seen_ = 0;
    Seconds time_;
    std::unique_ptr<OperatorProfile> profile_;
};

}  // namespace hpml::train
