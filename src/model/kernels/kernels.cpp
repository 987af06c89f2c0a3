#include "model/kernels/kernels.h"

#include "base/instruction_set.h"
#include "model/kernels/tables.h"

namespace hpml::model {

std::vector<Kernels> all_kernels() {
    std::vector<Kernels> found = {portable_kernels()};
#if defined(__x86_64__)
    const InstructionLevel level = highest_instruction_level();
    if (level >= InstructionLevel::X86V3) {
        found.push_back(v3_kernels());
    }
    if (level >= InstructionLevel::X86V4) {
        found.push_back(v4_kernels());
    }
#endif
    return found;
}

const Kernels& best_kernels() {
    static const Kernels best = all_kernels().back();
    return best;
}

MultiplyNative native_bfloat16() {
#if defined(__x86_64__)
    if (has_native_bfloat16()) {
        return multiply_bfloat16;
    }
#endif
    return nullptr;
}

}  // namespace hpml::model
