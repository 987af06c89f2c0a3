#include "optim/kernels/kernels.h"

#include "base/instruction_set.h"
#include "optim/kernels/tables.h"

namespace hpml::optim {

namespace {

std::vector<std::pair<std::string_view, const Kernels*>> find_kernels() {
    std::vector<std::pair<std::string_view, const Kernels*>> found = {
        {"portable", &kernels_portable()}};
#if defined(__x86_64__)
    const InstructionLevel level = highest_instruction_level();
    if (level >= InstructionLevel::X86V3) {
        found.emplace_back("x86-64-v3", &kernels_v3());
    }
    if (level >= InstructionLevel::X86V4) {
        found.emplace_back("x86-64-v4", &kernels_v4());
    }
#endif
    return found;
}

}  // namespace

const std::vector<std::pair<std::string_view, const Kernels*>>& all_kernels() {
    static const auto found = find_kernels();
    return found;
}

const Kernels& kernels() { return *all_kernels().back().second; }

}  // namespace hpml::optim
