#include "comm/all_reduce.h"

#include <algorithm>
#include <new>

namespace hpml::comm {

std::shared_ptr<std::byte> Algorithm::allocate(Bytes size) {
    constexpr std::align_val_t kAlignment{64};
    const std::size_t bytes = std::max<std::size_t>(size.value, 1);
    auto* memory = static_cast<std::byte*>(::operator new(bytes, kAlignment));
    std::fill_n(memory, bytes, std::byte{0});
    return {memory, [](std::byte* used) { ::operator delete(used, kAlignment); }};
}

void all_reduce(Algorithm& algorithm, const Buffer& buffer) {
    const OperationHandle operation = algorithm.start(buffer);
    Patience patience = algorithm.patience();
    while (!operation->advance()) {
        patience.pause();
    }
}

}  // namespace hpml::comm
