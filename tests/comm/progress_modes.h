#pragma once

#include <ostream>
#include <vector>

#include "comm/progress.h"

namespace hpml::comm {

inline std::ostream& operator<<(std::ostream& out, Progress progress) {
    return out << to_text(progress);
}

}  // namespace hpml::comm

namespace hpml::test {

/// The ways an engine's operations advance.
[[nodiscard]] inline std::vector<comm::Progress> progress_modes() {
    return {comm::Progress::Inline, comm::Progress::Thread, comm::Progress::Background};
}

}  // namespace hpml::test
