#pragma once

// The reduction, compiled once for each instruction set by the file that includes it. All of it has
// internal linkage and calls no inline function of the standard library: the linker would keep one
// copy of such a function for all files, perhaps the one this processor cannot run.

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "comm/kernels/element_code.h"
#include "comm/kernels/kernels.h"

namespace hpml::comm {
namespace {

/// Arithmetic of small or signed whole numbers in an unsigned type at least as wide as int: wraps
/// around, where the language leaves signed overflow open.
template <class T>
struct Wrapping {
    using Wide = T;
};
template <>
struct Wrapping<std::int8_t> {
    using Wide = std::uint32_t;
};
template <>
struct Wrapping<std::uint8_t> {
    using Wide = std::uint32_t;
};
template <>
struct Wrapping<std::int32_t> {
    using Wide = std::uint32_t;
};
template <>
struct Wrapping<std::int64_t> {
    using Wide = std::uint64_t;
};

template <ReduceOp kOp, class T>
T combine(T a, T b) {
    using Wide = typename Wrapping<T>::Wide;
    if constexpr (kOp == ReduceOp::Sum) {
        return static_cast<T>(static_cast<Wide>(a) + static_cast<Wide>(b));
    } else if constexpr (kOp == ReduceOp::Prod) {
        return static_cast<T>(static_cast<Wide>(a) * static_cast<Wide>(b));
    } else if constexpr (kOp == ReduceOp::Min) {
        return b < a || b != b ? b : a;
    } else {
        return b > a || b != b ? b : a;
    }
}

constexpr Size kBlock = 512;
constexpr Size kLanes = 16;

/// Sums of squares in lanes that do not depend on the width of a vector.
struct Examiner {
    double squares[kLanes] = {};
    std::uint32_t non_finite = 0;

    template <class Value>
    void look(const Value* values, Size count) {
        const Size whole = count / kLanes * kLanes;
        for (Size i = 0; i < whole; i += kLanes) {
            for (Size lane = 0; lane < kLanes; ++lane) {
                add(values[i + lane], lane);
            }
        }
        for (Size lane = 0; lane < count - whole; ++lane) {
            add(values[whole + lane], lane);
        }
    }
    template <class Value>
    void add(Value value, Size lane) {
        squares[lane] += static_cast<double>(value) * static_cast<double>(value);
        // Infinity minus itself and NaN minus itself are NaN, which equals nothing.
        const Value difference = value - value;
        non_finite |= difference != difference ? 1U : 0U;
    }
    [[nodiscard]] Found found() const {
        Found result;
        for (const double square : squares) {
            result.sum_of_squares += square;
        }
        result.non_finite = non_finite != 0;
        return result;
    }
};

template <class Element, ReduceOp kOp>
class Reducer {
  public:
    explicit Reducer(const Reduction& work) : work_(work) {}

    Found run() {
        Size begin = 0;
        for (; begin + kBlock <= work_.count; begin += kBlock) {
            block(begin, Full{});
        }
        if (begin < work_.count) {
            block(begin, Part{work_.count - begin});
        }
        return examiner_.found();
    }

  private:
    using Stored = typename Element::Stored;
    using Value = typename Element::Value;

    /// A length that the compiler knows, and one that it does not.
    struct Full {
        [[nodiscard]] constexpr Size count() const { return kBlock; }
    };
    struct Part {
        Size elements;
        [[nodiscard]] Size count() const { return elements; }
    };

    /// Buffers need not be aligned, and are of bytes.
    typedef Stored Loose __attribute__((aligned(1), may_alias));
    [[nodiscard]] static const Loose* at(const std::byte* buffer, Size begin) {
        return reinterpret_cast<const Loose*>(buffer + begin * sizeof(Stored));
    }
    [[nodiscard]] static Loose* at(std::byte* buffer, Size begin) {
        return reinterpret_cast<Loose*>(buffer + begin * sizeof(Stored));
    }

    template <class Length>
    void block(Size begin, Length length) {
        Value sum[kBlock];
        Size next = 1;
        const Loose* first = at(work_.inputs[0], begin);
        if (work_.input_count == 1) {
            for (Size k = 0; k < length.count(); ++k) {
                sum[k] = Element::widen(first[k]);
            }
        } else {
            const Loose* second = at(work_.inputs[1], begin);
            for (Size k = 0; k < length.count(); ++k) {
                sum[k] = combine<kOp, Value>(Element::widen(first[k]), Element::widen(second[k]));
            }
            next = 2;
        }
        for (; next < work_.input_count; ++next) {
            const Loose* input = at(work_.inputs[next], begin);
            for (Size k = 0; k < length.count(); ++k) {
                sum[k] = combine<kOp, Value>(sum[k], Element::widen(input[k]));
            }
        }
        finish(sum, length);
        put(sum, begin, length);
    }

    template <class Length>
    void put(Value* sum, Size begin, Length length) {
        Stored rounded[kBlock];
        for (Size k = 0; k < length.count(); ++k) {
            rounded[k] = Element::narrow(sum[k]);
        }
        if constexpr (Element::kFloats) {
            if (work_.examine == Examine::Yes) {
                for (Size k = 0; k < length.count(); ++k) {
                    sum[k] = Element::widen(rounded[k]);
                }
                examiner_.look(sum, length.count());
            }
        }
        for (Size output = 0; output < work_.output_count; ++output) {
            Loose* to = at(work_.outputs[output], begin);
            for (Size k = 0; k < length.count(); ++k) {
                to[k] = rounded[k];
            }
        }
    }

    template <class Length>
    void finish(Value* sum, Length length) const {
        if constexpr (Element::kFloats) {
            if (work_.scale != 1) {
                const auto factor = static_cast<Value>(work_.scale);
                for (Size k = 0; k < length.count(); ++k) {
                    sum[k] *= factor;
                }
            }
        }
        if (work_.divisor != 1) {
            const auto divisor = static_cast<Value>(work_.divisor);
            for (Size k = 0; k < length.count(); ++k) {
                sum[k] = static_cast<Value>(sum[k] / divisor);
            }
        }
    }

    const Reduction& work_;
    Examiner examiner_;
};

template <class Element>
Found reduce_elements(const Reduction& work) {
    switch (work.op) {
        case ReduceOp::Min:
            return Reducer<Element, ReduceOp::Min>(work).run();
        case ReduceOp::Max:
            return Reducer<Element, ReduceOp::Max>(work).run();
        case ReduceOp::Prod:
            return Reducer<Element, ReduceOp::Prod>(work).run();
        case ReduceOp::Sum:
        case ReduceOp::Avg:
            break;
    }
    return Reducer<Element, ReduceOp::Sum>(work).run();
}

template <class T>
Found reduce_whole(const Reduction& work) {
    return work.op == ReduceOp::Avg ? Reducer<Averaged<T>, ReduceOp::Sum>(work).run()
                                    : reduce_elements<Plain<T>>(work);
}

Found reduce_here(const Reduction& work) {
    switch (work.type) {
        case DataType::U8:
            return reduce_whole<std::uint8_t>(work);
        case DataType::I8:
            return reduce_whole<std::int8_t>(work);
        case DataType::I32:
            return reduce_whole<std::int32_t>(work);
        case DataType::I64:
            return reduce_whole<std::int64_t>(work);
        case DataType::F16:
            return reduce_elements<Float16>(work);
        case DataType::BF16:
            return reduce_elements<Bfloat16>(work);
        case DataType::F64:
            return reduce_elements<Plain<double>>(work);
        case DataType::F32:
            break;
    }
    return reduce_elements<Plain<float>>(work);
}

}  // namespace
}  // namespace hpml::comm
