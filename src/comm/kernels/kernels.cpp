#include "comm/kernels/kernels.h"

#include "base/error.h"
#include "base/instruction_set.h"
#include "comm/kernels/tables.h"

namespace hpml::comm {

namespace {

std::vector<InstructionSet> find_instruction_sets() {
    std::vector<InstructionSet> found = {InstructionSet::Portable};
#if defined(__x86_64__)
    const InstructionLevel level = highest_instruction_level();
    if (level >= InstructionLevel::X86V3) {
        found.push_back(InstructionSet::X86V3);
    }
    if (level >= InstructionLevel::X86V4) {
        found.push_back(InstructionSet::X86V4);
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
