#pragma once

#include <string>
#include <vector>

namespace hpml::device {

/// The cores on which this process may run, ascending, as its launcher or batch system bound it
/// (sched_getaffinity). @throw ResourceError if the kernel does not say
[[nodiscard]] std::vector<int> affinity_mask();

/// Ascending core numbers as ranges, e.g. "0-3,8"; "" for none.
[[nodiscard]] std::string to_text(const std::vector<int>& cores);

/// The inverse of `to_text`. @throw InputError for anything else
[[nodiscard]] std::vector<int> cores_from_text(const std::string& text);

}  // namespace hpml::device
