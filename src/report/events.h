#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/units.h"

namespace hpml {

/// CRC-32C (Castagnoli, polynomial 0x1edc6f41 reflected), as TFRecord files use it.
[[nodiscard]] std::uint32_t crc32c(std::span<const std::byte> bytes);

/// One named number of a step.
using Scalar = std::pair<std::string, double>;

/// `events.out.tfevents.TIME.HOST.PID` in a run directory, which TensorBoard shows: TFRecords of
/// tensorflow.Event messages (tensorflow/core/util/event.proto), scalars only. Each start writes a
/// file of its own, whose first record tells TensorBoard from which step on older files no longer
/// hold. A failed write is told once and never ends a run. Rank 0 only.
class EventsLog {
  public:
    /// @param resume_step  steps done when this start begins
    /// @param warn  called once, with the reason, when records cannot be kept
    EventsLog(const std::filesystem::path& folder, Step resume_step,
              std::function<void(const std::string& reason)> warn);

    void append(Step step, const std::vector<Scalar>& scalars);
    /// From here on, what was written of later steps no longer holds.
    void restart(Step step);

  private:
    void write(std::string_view event);

    FileHandle handle_;
    std::function<void(const std::string& reason)> warn_;
};

}  // namespace hpml
