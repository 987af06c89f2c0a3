#include "base/error.h"

#include <filesystem>
#include <new>
#include <system_error>

namespace hpml {

Described describe_current_exception() {
    try {
        throw;
    } catch (const Error& error) {
        return {error.code(), error.what()};
    } catch (const std::bad_alloc&) {
        return {ExitCode::Resource,
                "out of memory; try a smaller --micro-batch, fewer ranks per node or a node with "
                "more memory"};
    } catch (const std::filesystem::filesystem_error& error) {
        return {ExitCode::MissingInput,
                "cannot look at " + error.path1().string() + ": " + error.code().message() +
                    " (it is part of an input or output folder); see that its folders may be "
                    "searched by this user and that no link goes in a circle"};
    } catch (const std::exception& error) {
        return {ExitCode::Internal,
                std::string("internal: ") + error.what() + "; please report this"};
    } catch (...) {
        return {ExitCode::Internal, "internal: an unknown exception; please report this"};
    }
}

std::string errno_text(int code) { return std::generic_category().message(code); }

}  // namespace hpml
