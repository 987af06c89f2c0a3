#include "base/crash.h"

#include <execinfo.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string_view>

#include "base/error.h"

namespace hpml {

namespace {

struct Signal {
    int number;
    std::string_view name;
};

constexpr std::array<Signal, 5> kSignals = {{{SIGSEGV, "SIGSEGV, an invalid memory access"},
                                             {SIGBUS, "SIGBUS, memory that is not there"},
                                             {SIGFPE, "SIGFPE, an invalid whole-number operation"},
                                             {SIGILL, "SIGILL, an invalid instruction"},
                                             {SIGABRT, "SIGABRT, an abort"}}};

// A signal handler can be given nothing else.
int own_rank = 0;
alignas(16) std::array<char, 65536> handler_stack;
std::atomic_flag has_begun = ATOMIC_FLAG_INIT;

/// One line, built without memory of the heap, which may be what is broken.
class Line {
  public:
    Line& add(std::string_view text) {
        const std::size_t count = std::min(text.size(), text_.size() - used_);
        std::memcpy(text_.data() + used_, text.data(), count);
        used_ += count;
        return *this;
    }
    Line& add(long number) {
        std::array<char, 20> digits{};
        std::size_t at = digits.size();
        do {
            digits[--at] = static_cast<char>('0' + number % 10);
            number /= 10;
        } while (number > 0 && at > 0);
        return add({digits.data() + at, digits.size() - at});
    }
    void write() const {
        [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text_.data(), used_);
    }

  private:
    std::array<char, 512> text_{};
    std::size_t used_ = 0;
};

bool leaves_core() {
    rlimit limit{};
    return ::getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_cur > 0;
}

void on_crash(int number, siginfo_t*, void*) {
    if (has_begun.test_and_set()) {
        ::pause();  // another thread's crash is being told, and ends this one, too
    }
    std::string_view name = "a signal";
    for (const Signal& signal : kSignals) {
        name = signal.number == number ? signal.name : name;
    }
    Line()
        .add("\nerror: rank ")
        .add(own_rank)
        .add(": ")
        .add(program_invocation_short_name)
        .add(" crashed (process ")
        .add(::getpid())
        .add(", ")
        .add(name)
        .add(
            "); a defect of it or of a library: please report it with these lines (addr2line -Cfe "
            "FILE +OFFSET names the source)\n")
        .write();
    std::array<void*, 64> frames{};
    ::backtrace_symbols_fd(frames.data(), ::backtrace(frames.data(), frames.size()), STDERR_FILENO);
    if (leaves_core()) {
        ::signal(number, SIG_DFL);
        ::raise(number);
        return;  // the signal comes when the handler has ended
    }
    ::_exit(static_cast<int>(ExitCode::Internal));
}

}  // namespace

void report_crashes(int rank) {
    own_rank = rank;
    // The first call loads a library, which a crashed process had better not do.
    std::array<void*, 1> frame{};
    ::backtrace(frame.data(), 1);
    // A stack that overflows has no room for the handler.
    stack_t stack{};
    stack.ss_sp = handler_stack.data();
    stack.ss_size = handler_stack.size();
    ::sigaltstack(&stack, nullptr);
    for (const Signal& signal : kSignals) {
        struct sigaction action {};
        if (::sigaction(signal.number, nullptr, &action) != 0 || action.sa_handler != SIG_DFL) {
            continue;
        }
        action.sa_sigaction = on_crash;
        action.sa_flags = SA_SIGINFO | SA_ONSTACK;
        ::sigaction(signal.number, &action, nullptr);
    }
}

}  // namespace hpml
