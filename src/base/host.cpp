#include "base/host.h"

#include <unistd.h>

#include <array>

namespace hpml {

std::string host_name() {
    std::array<char, 256> name{};
    // A cut name is still a name; the last byte stays zero.
    return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "unknown";
}

}  // namespace hpml
