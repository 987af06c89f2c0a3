#include "text/merge_table.h"

#include <algorithm>
#include <bit>

namespace hpml::text {

MergeTable::MergeTable(std::size_t merges)
    : slots_(std::bit_ceil(std::max<std::size_t>(2 * merges, 16))),
      shift_(64 - std::countr_zero(slots_.size())),
      mask_(slots_.size() - 1) {}

bool MergeTable::add(std::int32_t left, std::int32_t right, Merge merge) {
    const std::uint64_t pair = pair_of(left, right);
    std::uint64_t at = pair * kMix >> shift_;
    while (slots_[at & mask_].merge.id >= 0) {
        if (slots_[at & mask_].pair == pair) {
            return false;
        }
        ++at;
    }
    slots_[at & mask_] = {pair, merge};
    return true;
}

}  // namespace hpml::text
