#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/json.h"
#include "base/units.h"

namespace hpml {

/// metrics.jsonl: one JSON object per line, keys in jobs/README.md. Appended line by line; a failed
/// write (full disk) is told once and never ends a run. Rank 0 only.
class MetricsLog {
  public:
    /// Open for appending, after cutting every line that belongs to a later step than `resume_step`
    /// and an unfinished last line, so that steps go on strictly increasing without gaps.
    /// @param resume_step  steps done when this start begins; 0 for a new run
    /// @param warn  called once, with the reason, when lines cannot be kept
    MetricsLog(const std::filesystem::path& path, Step resume_step,
               std::function<void(const std::string& reason)> warn);

    /// Append one line. Not-a-number and infinities become null, as JSON demands.
    void append(const Json& line);

    /// Bytes written so far, all of them whole lines.
    [[nodiscard]] Bytes size() const noexcept { return size_; }
    [[nodiscard]] bool is_writing() const noexcept { return handle_.is_open(); }

  private:
    void give_up(const std::string& reason);

    FileHandle handle_;
    Bytes size_;
    std::function<void(const std::string& reason)> warn_;
    bool has_warned_ = false;
};

/// The byte length of the leading whole lines whose "step" is at most `last`.
/// @throw IoError
[[nodiscard]] Bytes lines_up_to(const std::filesystem::path& path, Step last);

/// Call `take` with every line of some kinds, in order; nothing happens where there is no such
/// file.
/// @param last  only with the whole lines among so many bytes at the end; 0: with all
void for_each_metric(const std::filesystem::path& path, const std::vector<std::string>& kinds,
                     const std::function<void(const Json& line)>& take, Bytes last = Bytes(0));

/// The last line of a kind, e.g. "validation"; nothing if there is none or no such file.
[[nodiscard]] std::optional<Json> last_metric(const std::filesystem::path& path,
                                              const std::string& kind);

}  // namespace hpml
