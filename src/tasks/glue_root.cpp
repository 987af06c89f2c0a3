#include "tasks/glue_root.h"

#include <cstdint>
#include <exception>
#include <span>
#include <string>

#include "base/error.h"

namespace hpml::tasks {

void on_root(const mpi::Communicator& ranks, const std::function<void()>& work) {
    if (ranks.size() == 1) {
        work();
        return;
    }
    std::int64_t code = 0;
    std::string message;
    if (ranks.is_root()) {
        try {
            work();
        } catch (const Error& error) {
            code = static_cast<std::int64_t>(error.code());
            message = error.what();
        } catch (const std::exception& error) {
            code = static_cast<std::int64_t>(ExitCode::Internal);
            message = error.what();
        }
    }
    ranks.broadcast(std::as_writable_bytes(std::span(&code, 1)));
    message = ranks.broadcast(message);
    if (code != 0) {
        throw Error(static_cast<ExitCode>(code), message);
    }
}

}  // namespace hpml::tasks
