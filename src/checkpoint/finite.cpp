#include "checkpoint/finite.h"

#include <cstdint>
#include <cstring>

namespace hpml::checkpoint {

namespace {

/// NaN and the infinities have all bits of the exponent set. Without a branch inside, so that the
/// compiler makes vectors of it.
template <class Word>
bool has_no_full_exponent(std::span<const std::byte> bytes, Word exponent) {
    Word found = 0;
    for (std::size_t i = 0; i + sizeof(Word) <= bytes.size(); i += sizeof(Word)) {
        Word word = 0;
        std::memcpy(&word, bytes.data() + i, sizeof(Word));
        found |= static_cast<Word>((word & exponent) == exponent ? 1 : 0);
    }
    return found == 0;
}

}  // namespace

bool is_finite(const Source& source) {
    switch (source.numbers) {
        case Source::Numbers::Float32:
            return has_no_full_exponent<std::uint32_t>(source.bytes, 0x7f800000U);
        case Source::Numbers::BFloat16:
            return has_no_full_exponent<std::uint16_t>(source.bytes, 0x7f80U);
        case Source::Numbers::None:
            break;
    }
    return true;
}

}  // namespace hpml::checkpoint
