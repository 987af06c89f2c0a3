#include "base/instruction_set.h"

namespace hpml {

#if defined(__x86_64__)

InstructionLevel highest_instruction_level() noexcept {
    __builtin_cpu_init();
    // The names x86-64-v3 and -v4 are not known to every compiler that reads this.
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") ||
        !__builtin_cpu_supports("bmi2")) {
        return InstructionLevel::Portable;
    }
    const bool v4 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                    __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
                    __builtin_cpu_supports("avx512cd");
    return v4 ? InstructionLevel::X86V4 : InstructionLevel::X86V3;
}

bool has_native_bfloat16() noexcept {
    return highest_instruction_level() == InstructionLevel::X86V4 &&
           __builtin_cpu_supports("avx512bf16");
}

#else

InstructionLevel highest_instruction_level() noexcept { return InstructionLevel::Portable; }

bool has_native_bfloat16() noexcept { return false; }

#endif

}  // namespace hpml
