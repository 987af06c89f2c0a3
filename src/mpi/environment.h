#pragma once

namespace hpml::mpi {

/// MPI_Init_thread and MPI_Finalize of this process. One per process, made by main, destroyed last.
/// A process started without mpirun is one rank. While an exception unwinds it does not finalise
/// (the other ranks would wait for it for ever): main aborts instead.
class Environment {
  public:
    /// Asks for MPI_THREAD_MULTIPLE. @throw BackendError if less than MPI_THREAD_SERIALIZED is
    /// given
    Environment();
    ~Environment();
    Environment(const Environment&) = delete;
    Environment& operator=(const Environment&) = delete;
    Environment(Environment&&) = delete;
    Environment& operator=(Environment&&) = delete;

    /// Whether a second thread may call MPI at the same time as the first. MPI has been started.
    [[nodiscard]] static bool multiple() noexcept;

    /// Stop all ranks at once with this exit code. Safe at any time after construction.
    [[noreturn]] static void abort(int exit_code) noexcept;

  private:
    int unwinding_ = 0;
};

}  // namespace hpml::mpi
