#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "base/units.h"

namespace hpml::comm {

/// A line of a timeline; which of the members it has, its phase decides (TraceFormat).
struct TraceEvent {
    char phase = 'M';
    std::string name;
    Seconds time;      ///< since the run began
    Seconds duration;  ///< "X"
    Rank rank;
    int track = 0;
    Step step;
    std::string what;  ///< of an all-reduce: launched, started, reduced
    std::int64_t bucket = -1;
    Bytes size;
};

/// What a file says of itself.
struct TraceAbout {
    int ranks = 0;           ///< 0: a part, which does not say
    std::uint64_t lost = 0;  ///< records
    bool is_part = false;    ///< what one rank of a run that did not end has left
};

/// All events of a file that --trace wrote, in its order, one at a time; names of ranks and tracks
/// are left out. The last line of a part may be incomplete and is then left out, too. Local.
/// @throw MissingInputError; InputError if it is no such file, or cut off
TraceAbout read_trace(const std::filesystem::path& file,
                      const std::function<void(const TraceEvent&)>& tell);

}  // namespace hpml::comm
