#pragma once

namespace hpml::test {

/// How many times as long work may take in this build as in one without sanitizers: a test's limit
/// of seconds is multiplied by it. CTest's own limits are (HpmlTest.cmake).
#ifdef HPML_SANITIZED
constexpr double kSlowdown = 5;
#else
constexpr double kSlowdown = 1;
#endif

}  // namespace hpml::test
