// What a profiler of GPUs loads into a process to see its NVTX ranges (NVTX_INJECTION64_PATH), as
// small as it can be: the ranges are kept as text, "+NAME" and "-" one behind the other, those of
// the calling thread only, as all ranges of hpml are of the thread that computes.

#define NVTX_NO_IMPL  // a tool has the types alone
#include <nvtx3/nvToolsExt.h>

#include <string>

namespace {

std::string& ranges() {
    static thread_local std::string text;
    return text;
}

int push(const char* name) {
    ranges() += std::string(ranges().empty() ? "+" : " +") + name;
    return 0;
}

int pop() {
    ranges() += " -";
    return 0;
}

}  // namespace

/// NVTX calls it at the process's first range. @return 1: it shall call the functions set here
// NOLINTNEXTLINE(readability-identifier-naming): NVIDIA's name
extern "C" int InitializeInjectionNvtx2(NvtxGetExportTableFunc_t export_table) {
    const auto* callbacks =
        static_cast<const NvtxExportTableCallbacks*>(export_table(NVTX_ETID_CALLBACKS));
    NvtxFunctionTable functions = nullptr;
    unsigned int size = 0;
    if (callbacks == nullptr ||
        callbacks->GetModuleFunctionTable(NVTX_CB_MODULE_CORE, &functions, &size) != 1 ||
        size <= NVTX_CBID_CORE_RangePop) {
        return 0;
    }
    *functions[NVTX_CBID_CORE_RangePushA] = reinterpret_cast<NvtxFunctionPointer>(push);
    *functions[NVTX_CBID_CORE_RangePop] = reinterpret_cast<NvtxFunctionPointer>(pop);
    return 1;
}

/// This thread's ranges until now.
extern "C" const char* hpml_recorded_ranges() { return ranges().c_str(); }
