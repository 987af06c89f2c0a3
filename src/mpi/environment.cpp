#include "mpi/environment.h"

#include <mpi.h>

#include <cstdlib>
#include <exception>

#include "base/error.h"
#include "mpi/check.h"

namespace hpml::mpi {

void check(int code, std::source_location where) {
    if (code == MPI_SUCCESS) {
        return;
    }
    char text[MPI_MAX_ERROR_STRING] = "unknown error";
    int length = 0;
    MPI_Error_string(code, text, &length);
    throw BackendError(std::string("MPI: ") + text + " (" + where.file_name() + ":" +
                       std::to_string(where.line()) + "); a peer may be lost");
}

Environment::Environment() : unwinding_(std::uncaught_exceptions()) {
    int provided = MPI_THREAD_SINGLE;
    check(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_MULTIPLE, &provided));
    if (provided < MPI_THREAD_SERIALIZED) {
        throw BackendError(
            "this MPI library was built without thread support (the communication thread needs "
            "MPI_THREAD_SERIALIZED); load another MPI module");
    }
}

Environment::~Environment() {
    if (std::uncaught_exceptions() == unwinding_) {
        MPI_Finalize();
    }
}

bool Environment::multiple() noexcept {
    int provided = MPI_THREAD_SINGLE;
    MPI_Query_thread(&provided);
    return provided == MPI_THREAD_MULTIPLE;
}

void Environment::abort(int exit_code) noexcept {
    MPI_Abort(MPI_COMM_WORLD, exit_code);
    std::_Exit(exit_code);
}

}  // namespace hpml::mpi
