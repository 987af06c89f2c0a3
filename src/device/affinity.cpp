#include "device/affinity.h"

#include <fmt/format.h>
#include <sched.h>

#include <cerrno>
#include <charconv>
#include <memory>

#include "base/error.h"

namespace hpml::device {

namespace {

/// Far above the cores of any machine that Linux supports.
constexpr int kMostCores = 1 << 16;

struct CpuSetFree {
    void operator()(cpu_set_t* set) const { CPU_FREE(set); }
};

int number_at(const std::string& text, std::size_t& at) {
    int number = -1;
    const char* begin = text.data() + at;
    const auto [end, error] = std::from_chars(begin, text.data() + text.size(), number);
    if (error != std::errc() || number < 0 || number >= kMostCores) {
        throw InputError("'" + text + "' is not a list of cores; write one like 0-3,8");
    }
    at += static_cast<std::size_t>(end - begin);
    return number;
}

}  // namespace

std::vector<int> affinity_mask() {
    // The kernel refuses a set smaller than its own, which may be larger than cpu_set_t's 1024.
    const std::unique_ptr<cpu_set_t, CpuSetFree> set(CPU_ALLOC(kMostCores));
    const std::size_t bytes = CPU_ALLOC_SIZE(kMostCores);
    CPU_ZERO_S(bytes, set.get());
    if (sched_getaffinity(0, bytes, set.get()) != 0) {
        throw ResourceError("cannot read this process's affinity mask (" + errno_text(errno) +
                            "), so the cores for its threads are unknown; give --threads");
    }
    std::vector<int> cores;
    for (int core = 0; core < kMostCores; ++core) {
        if (CPU_ISSET_S(static_cast<std::size_t>(core), bytes, set.get())) {
            cores.push_back(core);
        }
    }
    return cores;
}

std::string to_text(const std::vector<int>& cores) {
    std::string text;
    for (std::size_t first = 0; first < cores.size();) {
        std::size_t last = first;
        while (last + 1 < cores.size() && cores[last + 1] == cores[last] + 1) {
            ++last;
        }
        text += fmt::format("{}{}", text.empty() ? "" : ",", cores[first]);
        if (last > first) {
            text += fmt::format("-{}", cores[last]);
        }
        first = last + 1;
    }
    return text;
}

std::vector<int> cores_from_text(const std::string& text) {
    std::vector<int> cores;
    std::size_t at = 0;
    while (at < text.size()) {
        const int first = number_at(text, at);
        int last = first;
        if (at < text.size() && text[at] == '-') {
            last = number_at(text, ++at);
        }
        const bool ends = at == text.size();
        const bool goes_on = !ends && text[at] == ',' && at + 1 < text.size();
        if (last < first || (!ends && !goes_on) || (!cores.empty() && first <= cores.back())) {
            throw InputError("'" + text + "' is not a list of cores; write one like 0-3,8");
        }
        for (int core = first; core <= last; ++core) {
            cores.push_back(core);
        }
        at += ends ? 0 : 1;
    }
    return cores;
}

}  // namespace hpml::device
