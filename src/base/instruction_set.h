#pragma once

namespace hpml {

/// Levels of vector instructions for which kernels are compiled, each with those below it; the
/// names are those of the x86-64 psABI.
enum class InstructionLevel { Portable, X86V3, X86V4 };

/// The highest level that this processor has; anywhere but on x86-64 the lowest.
[[nodiscard]] InstructionLevel highest_instruction_level() noexcept;

/// Whether it multiplies bfloat16 by itself (AVX512-BF16).
[[nodiscard]] bool has_native_bfloat16() noexcept;

}  // namespace hpml
