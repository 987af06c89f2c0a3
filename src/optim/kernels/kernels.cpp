#include "optim/kernels/kernels.h"

#include "optim/kernels/tables.h"

namespace hpml::optim {

namespace {

std::vector<std::pair<std::string_view, const Kernels*>> find_kernels() {
    std::vector<std::pair<std::string_view, const Kernels*>> found = {
        {"portable", &kernels_portable()}};
#if defined(__x86_64__)
    __builtin_cpu_init();
    // The names x86-64-v3 and -v4 are not known to every compiler that reads this.
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
        __builtin_cpu_supports("bmi2")) {
        found.emplace_back("x86-64-v3", &kernels_v3());
        if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
            __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
            __builtin_cpu_supports("avx512cd")) {
            found.emplace_back("x86-64-v4", &kernels_v4());
        }
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
