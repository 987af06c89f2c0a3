#include "comm/all_reduce_options.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "comm/select.h"

namespace hpml::comm {

namespace {

void require_between(const char* option, Bytes value, Bytes least, Bytes most) {
    if (value < least || value > most) {
        throw UsageError(fmt::format("{} is {} KiB (it must be {} to {} KiB)", option,
                                     static_cast<double>(value.value) / 1024, least.value / 1024,
                                     most.value / 1024));
    }
}

}  // namespace

std::string to_text(Check check) {
    return check == Check::Plan ? "plan" : check == Check::Every ? "every" : "off";
}

void require_valid(const AllReduceOptions& options) {
    const auto& names = algorithm_names();
    if (std::find(names.begin(), names.end(), options.algorithm) == names.end()) {
        throw UsageError(fmt::format("allreduce={} is not known; choose one of {}",
                                     options.algorithm, fmt::join(names, ", ")));
    }
    require_between("chunk-kib", options.chunk, kLeastPiece, kMostPiece);
    if (options.segment != Bytes(0)) {
        require_between("segment-kib", options.segment, kLeastPiece, kMostPiece);
    }
    if (!(options.spin >= Seconds(0) && options.spin <= kLongestSpin)) {
        throw UsageError(fmt::format("spin-us is {} us (it must be 0 to {} us)",
                                     options.spin.value * 1e6, kLongestSpin.value * 1e6));
    }
    const std::string& algorithm = options.algorithm;
    if (algorithm == "auto" || adds_in_rank_order(algorithm)) {
        return;
    }
    if (options.reproducible == Reproducible::Strict) {
        throw UsageError(fmt::format(
            "allreduce={} with reproducible=strict (its bits depend on where buffers are cut); use "
            "auto, shm or twoshot",
            algorithm));
    }
    if (options.wire != Wire::Same) {
        throw UsageError(fmt::format(
            "allreduce={} with another wire format (it would round in every step of its sums); use "
            "auto or twoshot",
            algorithm));
    }
}

}  // namespace hpml::comm
