#pragma once

#include <string>

namespace hpml {

/// An environment variable's value; empty if it is not set.
[[nodiscard]] std::string environment_variable(const std::string& name);

}  // namespace hpml
