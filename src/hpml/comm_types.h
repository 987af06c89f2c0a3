#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "hpml/units.h"

namespace hpml::comm {

/// F16 is IEEE binary16, BF16 the upper half of an F32.
enum class DataType : std::uint8_t { U8, I8, I32, I64, F16, BF16, F32, F64 };

/// Avg is the sum over the ranks divided by their number; of whole numbers the quotient is cut
/// towards zero. Whole numbers wrap around. A NaN among the values of Min and Max wins.
enum class ReduceOp : std::uint8_t { Sum, Avg, Min, Max, Prod };

/// Who drives the operations while the caller computes.
enum class Progress : std::uint8_t {
    Inline,  ///< `progress()` and `wait_all()`, called by the caller
    Thread,  ///< a communication thread, until the caller waits and drives them itself; it sleeps
             ///< when there is nothing to do. Between the first submit and wait_all's return only
             ///< the one that drives calls MPI, so that MPI_THREAD_SERIALIZED is enough
    Background,  ///< such a thread without a core of its own: it looks at the messages every
                 ///< millisecond or less and leaves the core to the computation meanwhile
};

/// Bytes of one element.
[[nodiscard]] constexpr std::size_t size_of(DataType type) {
    constexpr std::array<std::size_t, 8> kSizes = {1, 1, 4, 8, 2, 2, 4, 8};
    return kSizes[static_cast<std::size_t>(type)];
}

/// What a reduction found in its results, in the pass that wrote them. Whole numbers are finite and
/// have no norm.
struct Found {
    double sum_of_squares = 0;  ///< of the rounded results, in a fixed order, if they are finite
    bool non_finite = false;    ///< an infinity or a NaN among them

    Found& operator+=(const Found& more) {
        sum_of_squares += more.sum_of_squares;
        non_finite = non_finite || more.non_finite;
        return *this;
    }
};

enum class Examine : std::uint8_t { No, Yes };

/// What an all-reduce works on: `count` elements one after the other, at any alignment. A view; the
/// memory is the caller's.
struct Buffer {
    std::byte* data = nullptr;
    std::size_t count = 0;
    DataType type = DataType::F32;
    ReduceOp op = ReduceOp::Sum;
    /// Floating types: multiplies the result, once, before it is rounded.
    double scale = 1;
    /// Whether the operation is to say what it found in the results: the same on every rank.
    Examine examine = Examine::No;
    /// What messages call it, the same on every rank; may be empty. The text stays while the
    /// operation runs.
    std::string_view name;
    std::uint64_t plan = 0;  ///< digest of what decides which buffers there are; 0: nothing does
    /// Set by an engine: a buffer of this name was submitted already and not yet waited for.
    bool repeats = false;

    Buffer() = default;
    Buffer(std::byte* memory, std::size_t elements, DataType of, ReduceOp how)
        : data(memory), count(elements), type(of), op(how) {}
    /// The sum of fp32 numbers, as gradients are summed.
    Buffer(std::span<float> values)  // NOLINT(google-explicit-constructor): the common case
        : data(std::as_writable_bytes(values).data()), count(values.size()) {}
    Buffer(std::vector<float>& values)  // NOLINT(google-explicit-constructor)
        : Buffer(std::span<float>(values)) {}

    [[nodiscard]] Bytes size() const { return Bytes(count * size_of(type)); }
    /// `elements` of it from the element `first` on.
    [[nodiscard]] Buffer part(std::size_t first, std::size_t elements) const {
        Buffer piece = *this;
        piece.data += first * size_of(type);
        piece.count = elements;
        return piece;
    }
};

}  // namespace hpml::comm
