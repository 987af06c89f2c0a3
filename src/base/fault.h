#pragma once

#include <string_view>

#include "base/units.h"

namespace hpml {

/// A place where a test can make something go wrong: HPML_FAULT=kind@step=5,rank=1[,site=name] in
/// the environment, several separated by ';'. Kinds: kill, segv, hup, term, usr1, usr2 and stop,
/// exit (0, at once), throw, nomem, eat (2 GiB), nospace, skip, hang, slow (20 ms more). Compiled
/// in with -DHPML_FAULT_POINTS=ON only; else this does nothing and costs a call.
/// @return true if the kind is one that the place itself must act out (nospace, skip, nan,
/// flip)
bool fault_point(std::string_view site, Step step, Rank rank);

/// Whether this build has fault points (shown by --version, and refused by nothing).
[[nodiscard]] bool has_fault_points() noexcept;

}  // namespace hpml
