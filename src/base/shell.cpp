#include "base/shell.h"

#include <array>
#include <cstdio>
#include <memory>

namespace hpml {

namespace {

struct CloseProcess {
    void operator()(std::FILE* stream) const noexcept { ::pclose(stream); }
};

}  // namespace

std::string shell_output(const std::string& command) {
    const std::unique_ptr<std::FILE, CloseProcess> process(::popen(command.c_str(), "re"));
    std::string output;
    std::array<char, 256> buffer{};
    while (process && std::fgets(buffer.data(), buffer.size(), process.get()) != nullptr) {
        output += buffer.data();
    }
    return output;
}

}  // namespace hpml
