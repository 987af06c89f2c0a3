#pragma once

#include <mpi.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <type_traits>

#include "hpml/comm_types.h"

namespace hpml::comm {

/// The DataType of a C++ type. F16 and BF16 have none: give a Buffer.
template <class T>
[[nodiscard]] consteval DataType data_type_of() {
    if constexpr (std::is_same_v<T, double>) {
        return DataType::F64;
    } else if constexpr (std::is_same_v<T, float>) {
        return DataType::F32;
    } else if constexpr (std::is_same_v<T, std::int64_t>) {
        return DataType::I64;
    } else if constexpr (std::is_same_v<T, std::int32_t>) {
        return DataType::I32;
    } else if constexpr (std::is_same_v<T, std::int8_t>) {
        return DataType::I8;
    } else {
        static_assert(std::is_same_v<T, std::uint8_t>, "no all-reduce knows this type");
        return DataType::U8;
    }
}

struct AllReducerOptions {
    /// "auto" (by the ranks' nodes and the size of each buffer), "shm", "twoshot", "hierarchical",
    /// "ring", "recursive_doubling" or "mpi".
    std::string algorithm = "auto";
    Progress progress = Progress::Inline;
};

/// All-reduces over the ranks of a communicator, of buffers in host memory: blocking by
/// `all_reduce`, or many under way at once by `submit` and `wait_all`. Results are bit-identical on
/// every rank and in every run with the same ranks and buffers (`mpi`: as far as the MPI library
/// gives that).
///
/// Collective, in the same order on every rank and with the same count, type, op and scale:
/// construction, `allocate`, `submit`, `all_reduce`. Used by one thread at a time. Between the
/// first `submit` and the return of `wait_all` the program makes no MPI call of its own. To be
/// destroyed before MPI_Finalize.
///
/// Every failure is a std::runtime_error whose what() reads "what failed (why it matters); what to
/// try". One of the constructor comes on all ranks, and other options may do better. One of
/// `wait_all` or `all_reduce` (the transport failed, a rank is lost) leaves the values unspecified,
/// and every later wait throws it again: end the job with MPI_Abort.
class [[gnu::visibility("default")]] AllReducer {
  public:
    /// @param ranks  of any MPI program after MPI_Init_thread; is duplicated, and stays as it is
    /// @throw std::runtime_error for an unknown algorithm, one that the ranks' nodes do not allow,
    ///        or another progress than Inline where MPI gives less than MPI_THREAD_SERIALIZED
    explicit AllReducer(MPI_Comm ranks, const AllReducerOptions& options = {});
    ~AllReducer();
    AllReducer(AllReducer && other) noexcept;
    AllReducer& operator=(AllReducer&& other) noexcept;
    AllReducer(const AllReducer&) = delete;
    AllReducer& operator=(const AllReducer&) = delete;

    /// Zeroed memory in which buffers are summed fastest: within a node all ranks see it, and
    /// nothing is copied. 64-byte aligned, the same size on every rank, may outlive this object.
    [[nodiscard]] std::shared_ptr<std::byte> allocate(Bytes size);
    /// The same for `count` numbers.
    template <class T>
    [[nodiscard]] std::shared_ptr<T[]> allocate(std::size_t count) {
        const std::shared_ptr<std::byte> memory = allocate(Bytes(count * sizeof(T)));
        return {memory, reinterpret_cast<T*>(memory.get())};
    }

    /// Begin to replace the buffer by its sum (or another op) over all ranks; returns at once. The
    /// memory, from `allocate` or anywhere else, must stay until `wait_all` returns.
    void submit(const Buffer& buffer);
    template <class T>
    void submit(std::span<T> values, ReduceOp op = ReduceOp::Sum) {
        submit({reinterpret_cast<std::byte*>(values.data()), values.size(), data_type_of<T>(), op});
    }
    /// Progress::Inline: drive what is under way without waiting, e.g. between two computations.
    void progress();
    /// Return when every submitted buffer holds its result.
    /// @return what was found in the results of the buffers that asked (Buffer::examine), since the
    ///         last call: the same bits on every rank, so that all decide alike
    Found wait_all();

    /// `submit` and `wait_all` of one buffer.
    template <class T>
    void all_reduce(std::span<T> values, ReduceOp op = ReduceOp::Sum) {
        submit(values, op);
        wait_all();
    }

    /// What "auto" has become.
    [[nodiscard]] std::string algorithm() const;
    /// Time that waits have taken so far: communication that no computation hid.
    [[nodiscard]] Seconds exposed() const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace hpml::comm
