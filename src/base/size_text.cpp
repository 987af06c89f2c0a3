#include "base/size_text.h"

#include <fmt/format.h>

#include "base/megabytes.h"

namespace hpml {

std::string size_text(Bytes size) {
    if (gigabytes(size) >= 1) {
        return fmt::format("{:.2f} GB", gigabytes(size));
    }
    return megabytes(size) >= 1 ? fmt::format("{:.1f} MB", megabytes(size))
                                : fmt::format("{:.3f} MB", megabytes(size));
}

}  // namespace hpml
