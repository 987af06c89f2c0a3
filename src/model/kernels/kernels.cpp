#include "model/kernels/kernels.h"

#include "model/kernels/tables.h"

namespace hpml::model {

std::vector<Kernels> all_kernels() {
    std::vector<Kernels> found = {portable_kernels()};
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
        __builtin_cpu_supports("bmi2")) {
        found.push_back(v3_kernels());
        if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
            __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
            __builtin_cpu_supports("avx512cd")) {
            found.push_back(v4_kernels());
        }
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
    if (best_kernels().name == "x86-64-v4" && __builtin_cpu_supports("avx512bf16")) {
        return multiply_bfloat16;
    }
#endif
    return nullptr;
}

}  // namespace hpml::model
