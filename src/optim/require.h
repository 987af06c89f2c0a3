#pragma once

#include <string>

#include "base/error.h"

namespace hpml::optim {

/// @throw UsageError of `message` unless the condition holds
inline void require(bool condition, const std::string& message) {
    if (!condition) {
        throw UsageError(message);
    }
}

}  // namespace hpml::optim
