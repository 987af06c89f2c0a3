#include "base/clock.h"

#include <fmt/chrono.h>

#include <ctime>

namespace hpml {

std::string utc_timestamp() {
    return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
}

}  // namespace hpml
