#include "comm/kernels/kernels.h"

#include "base/error.h"
#include "comm/kernels/tables.h"

namespace hpml::comm {

namespace {

std::vector<InstructionSet> find_instruction_sets() {
    std::vector<InstructionSet> found = {InstructionSet::Portable};
#if defined(__x86_64__)
    __builtin_cpu_init();
    // The names x86-64-v3 and -v4 are not known to every compiler that reads this.
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
        __builtin_cpu_supports("bmi2")) {
        found.push_back(InstructionSet::X86V3);
        if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
            __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
            __builtin_cpu_supports("avx512cd")) {
            found.push_back(InstructionSet::X86V4);
        }
    }
#endif
    return found;
}

}  // namespace

std::string_view name_of(InstructionSet set) {
    return set == InstructionSet::X86V4   ? "x86-64-v4"
           : set == InstructionSet::X86V3 ? "x86-64-v3"
                                          : "portable";
}

const std::vector<InstructionSet>& instruction_sets() {
    static const std::vector<InstructionSet> sets = find_instruction_sets();
    return sets;
}

void finish_in_place(const Buffer& buffer, std::size_t divisor) {
    if (divisor == 1 && buffer.scale == 1) {
        return;
    }
    const std::byte* input = buffer.data;
    std::byte* output = buffer.data;
    reduce({.inputs = &input,
            .input_count = 1,
            .outputs = &output,
            .output_count = 1,
            .count = buffer.count,
            .type = buffer.type,
            .op = buffer.op,
            .divisor = divisor,
            .scale = buffer.scale});
}

Found look_at(const Buffer& buffer) {
    const std::byte* input = buffer.data;
    return reduce({.inputs = &input,
                   .input_count = 1,
                   .count = buffer.count,
                   .type = buffer.type,
                   .examine = Examine::Yes});
}

Found reduce(const Reduction& work) { return reduce(work, instruction_sets().back()); }

Found reduce(const Reduction& work, InstructionSet set) {
    expects(work.input_count > 0, "something to reduce");
    expects(work.divisor > 0, "a number of ranks to divide by");
#if defined(__x86_64__)
    if (set == InstructionSet::X86V4) {
        return reduce_v4(work);
    }
    if (set == InstructionSet::X86V3) {
        return reduce_v3(work);
    }
#endif
    (void)set;
    return reduce_portable(work);
}

}  // namespace hpml::comm
