#include "base/environment.h"

#include <cstdlib>

namespace hpml {

std::string environment_variable(const std::string& name) {
    const char* value = std::getenv(name.c_str());
    return value == nullptr ? "" : value;
}

}  // namespace hpml
