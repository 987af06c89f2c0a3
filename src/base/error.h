#pragma once

#include <source_location>
#include <stdexcept>
#include <string>
#include <utility>

namespace hpml {

/// Process exit codes, as the man pages list them (BSD sysexits where one fits).
enum class ExitCode : int {
    Finished = 0,
    Usage = 64,
    Input = 65,
    MissingInput = 66,
    Resource = 69,
    Internal = 70,
    Output = 73,
    Io = 74,
    Backend = 76,
    Diverged = 77,
    Mismatch = 78,
    Replicas = 79,
};

/// What every failure that a user can meet derives from. `what()` reads "problem (why it matters);
/// what to try" and is printed once behind "error: "; `code()` is the process's exit code.
class Error : public std::runtime_error {
  public:
    Error(ExitCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
    [[nodiscard]] ExitCode code() const noexcept { return code_; }

  private:
    ExitCode code_;
};

/// One class per row of the exit-code table, so that a caller can catch what it can mend.
template <ExitCode C>
class CodedError : public Error {
  public:
    explicit CodedError(const std::string& message) : Error(C, message) {}
};

using UsageError = CodedError<ExitCode::Usage>;                ///< bad command line or option value
using InputError = CodedError<ExitCode::Input>;                ///< the input's content is wrong
using MissingInputError = CodedError<ExitCode::MissingInput>;  ///< an input is absent or unreadable
using ResourceError = CodedError<ExitCode::Resource>;          ///< GPU, NCCL, memory missing
using InternalError = CodedError<ExitCode::Internal>;          ///< our bug
using OutputError = CodedError<ExitCode::Output>;              ///< an output cannot be created
using IoError = CodedError<ExitCode::Io>;                      ///< reading or writing failed midway
using BackendError = CodedError<ExitCode::Backend>;    ///< MPI or NCCL failed, a peer is lost
using DivergedError = CodedError<ExitCode::Diverged>;  ///< NaN or infinity, by policy
using MismatchError = CodedError<ExitCode::Mismatch>;  ///< resume or peer disagrees on set-up

/// Of any exception: the exit code and the words for the user.
struct Described {
    ExitCode code = ExitCode::Internal;
    std::string message;
};

/// Of the exception being handled; to be called in a catch block only. A bad_alloc is a missing
/// resource, a filesystem_error (a path that cannot be looked at) a missing input, and what is not
/// one of ours otherwise an internal error, unless its text says that memory ran out (LibTorch).
[[nodiscard]] Described describe_current_exception();

/// State a condition that only a bug of ours can break.
/// @throw InternalError naming the place
inline void expects(bool condition, const char* what,
                    std::source_location where = std::source_location::current()) {
    if (!condition) {
        throw InternalError(std::string("internal: expected ") + what + " (" + where.file_name() +
                            ":" + std::to_string(where.line()) + "); please report this");
    }
}

/// The text of `errno` value `code`, e.g. "No space left on device".
[[nodiscard]] std::string errno_text(int code);

}  // namespace hpml
