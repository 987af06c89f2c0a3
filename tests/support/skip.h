#pragma once

#include <atomic>
#include <cstdio>
#include <string>

namespace hpml::test {

/// What a test executable ends with if all that ran has passed and something could not run: CTest
/// shows it as skipped (SKIP_RETURN_CODE in HpmlTest.cmake). A failure has its own code, so a
/// skipped case never hides one.
constexpr int kSkippedCode = 77;

/// Whether a case of this executable could not run.
inline std::atomic<bool>& was_skipped() {
    static std::atomic<bool> skipped = false;
    return skipped;
}

/// Say that this case cannot run here, and why. The case returns then.
inline void not_run(const std::string& reason) {
    was_skipped() = true;
    std::printf("NOT RUN: %s\n", reason.c_str());
}

/// The exit code of an executable whose cases ended with `code`.
[[nodiscard]] inline int with_skips(int code) {
    return code == 0 && was_skipped() ? kSkippedCode : code;
}

}  // namespace hpml::test
