#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "comm/buffer.h"

namespace hpml::comm {

/// One reduction: out[i] = round(scale * (in_0[i] op in_1[i] op ...)), with the inputs combined in
/// their order. F16, BF16 and F32 are combined in fp32, F64 in fp64, and rounded once, to nearest
/// even.
struct Reduction {
    const std::byte* const* inputs = nullptr;
    std::size_t input_count = 0;  ///< 1 or more
    std::byte* const* outputs = nullptr;
    std::size_t output_count = 0;  ///< an output may be one of the inputs, wholly; 0: only examined
    std::size_t count = 0;         ///< elements
    DataType type = DataType::F32;
    ReduceOp op = ReduceOp::Sum;  ///< Avg divides by `divisor`
    std::size_t divisor = 1;
    double scale = 1;  ///< floating types: once, before the rounding
    Examine examine = Examine::No;
};

/// The same code for three instruction sets, which give the same bits.
enum class InstructionSet { Portable, X86V3, X86V4 };

[[nodiscard]] std::string_view name_of(InstructionSet set);
/// What this processor can run, the best last. Portable is always there.
[[nodiscard]] const std::vector<InstructionSet>& instruction_sets();

/// What Avg is while not all ranks' values are in it.
[[nodiscard]] constexpr ReduceOp without_mean(ReduceOp op) {
    return op == ReduceOp::Avg ? ReduceOp::Sum : op;
}
/// By what the result is divided.
[[nodiscard]] constexpr std::size_t divisor_of(ReduceOp op, std::size_t ranks) {
    return op == ReduceOp::Avg ? ranks : 1;
}

/// Run it on this thread with the best instruction set. Local.
Found reduce(const Reduction& work);
/// With a given one of `instruction_sets()`; for tests.
Found reduce(const Reduction& work, InstructionSet set);
/// What is left to do with the result of an operation that knows neither mean nor scale.
/// @param divisor  1 if the op is no mean
void finish_in_place(const Buffer& buffer, std::size_t divisor);
/// What is in a buffer: a pass over it for algorithms that cannot look while they reduce.
[[nodiscard]] Found look_at(const Buffer& buffer);

}  // namespace hpml::comm
