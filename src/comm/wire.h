#pragma once

#include <cstdint>

namespace hpml::comm {

/// In what form fp32 numbers travel between nodes; within one nothing travels.
enum class Wire : std::uint8_t {
    Same,  ///< as they are
    BF16,  ///< half the bytes; every rank's numbers and the sum, made in fp32, are each rounded
           ///< once
    F16,   ///< likewise, but overflows above 65504
};

/// "grad", "bf16", "fp16".
[[nodiscard]] constexpr const char* to_text(Wire wire) {
    return wire == Wire::BF16 ? "bf16" : wire == Wire::F16 ? "fp16" : "grad";
}

}  // namespace hpml::comm
