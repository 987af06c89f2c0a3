#include "comm/kernels/fixed_point.h"

#include <cmath>

#include "comm/kernels/tables.h"

namespace hpml::comm {

std::uint8_t largest_exponent(const float* values, std::size_t count) {
#if defined(__x86_64__)
    switch (instruction_sets().back()) {
        case InstructionSet::X86V4:
            return largest_exponent_v4(values, count);
        case InstructionSet::X86V3:
            return largest_exponent_v3(values, count);
        case InstructionSet::Portable:
            break;
    }
#endif
    return largest_exponent_portable(values, count);
}

void add_fixed(const float* values, std::size_t count, int quantum, std::int64_t* sums) {
    add_fixed(values, count, quantum, sums, instruction_sets().back());
}

void add_fixed(const float* values, std::size_t count, int quantum, std::int64_t* sums,
               InstructionSet set) {
    const double per_quantum = std::ldexp(1.0, -quantum);
#if defined(__x86_64__)
    if (set == InstructionSet::X86V4) {
        return add_fixed_v4(values, count, per_quantum, sums);
    }
    if (set == InstructionSet::X86V3) {
        return add_fixed_v3(values, count, per_quantum, sums);
    }
#endif
    (void)set;
    add_fixed_portable(values, count, per_quantum, sums);
}

void from_fixed(const std::int64_t* sums, std::size_t count, double factor, float* values) {
    for (std::size_t i = 0; i < count; ++i) {
        values[i] = static_cast<float>(static_cast<double>(sums[i]) * factor);
    }
}

}  // namespace hpml::comm
