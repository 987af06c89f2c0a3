#include "text/word_table.h"

#include <algorithm>
#include <bit>

namespace hpml::text {

WordTable::WordTable(std::size_t words)
    : slots_(std::bit_ceil(std::max<std::size_t>(3 * words, 16))),
      shift_(64 - std::countr_zero(slots_.size())),
      mask_(slots_.size() - 1) {}

void WordTable::add(const WordKey& word, std::int32_t id) {
    std::uint64_t at = word.hash() >> shift_;
    while (slots_[at & mask_].id >= 0) {
        ++at;
    }
    slots_[at & mask_] = {word, id};
}

}  // namespace hpml::text
