#include "base/error.h"

#include <filesystem>
#include <new>
#include <string_view>
#include <system_error>

#include "base/process_memory.h"

namespace hpml {

namespace {

constexpr const char* kMemoryAdvice =
    "try a smaller --micro-batch, fewer ranks per node or a node with more memory";

/// LibTorch throws no bad_alloc: "DefaultCPUAllocator: can't allocate memory: you tried to allocate
/// ...", "CUDA out of memory. Tried to allocate ...", with a stack trace in the lines behind.
bool is_out_of_memory(std::string_view text) {
    return text.find("can't allocate memory") != std::string_view::npos ||
           text.find("out of memory") != std::string_view::npos;
}

/// What there is of the machine's memory. The catch block has unwound what was held before, so the
/// most until now tells more than what is held.
std::string memory_figures() {
    try {
        return to_text(memory_report());
    } catch (const std::exception&) {
        return "its figures cannot be read";
    }
}

}  // namespace

Described describe_current_exception() {
    try {
        throw;
    } catch (const Error& error) {
        return {error.code(), error.what()};
    } catch (const std::bad_alloc&) {
        return {ExitCode::Resource, "out of memory (" + memory_figures() + "); " + kMemoryAdvice};
    } catch (const std::filesystem::filesystem_error& error) {
        return {ExitCode::MissingInput,
                "cannot look at " + error.path1().string() + ": " + error.code().message() +
                    " (it is part of an input or output folder); see that its folders may be "
                    "searched by this user and that no link goes in a circle"};
    } catch (const std::exception& error) {
        const std::string text = error.what();
        if (is_out_of_memory(text)) {
            // A GPU's allocator tells its own figures.
            const bool is_host = text.find("CUDA") == std::string::npos;
            return {ExitCode::Resource, "out of memory (" + text.substr(0, text.find('\n')) +
                                            (is_host ? "; " + memory_figures() : "") + "); " +
                                            kMemoryAdvice};
        }
        return {ExitCode::Internal, "internal: " + text + "; please report this"};
    } catch (...) {
        return {ExitCode::Internal, "internal: an unknown exception; please report this"};
    }
}

std::string errno_text(int code) { return std::generic_category().message(code); }

}  // namespace hpml
