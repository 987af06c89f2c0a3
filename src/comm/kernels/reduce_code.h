#pragma once

// The reduction, compiled once for each instruction set by the file that includes it. All of it has
// internal linkage and calls no inline function of the standard library: the linker would keep one
// copy of such a function for all files, perhaps the one this processor cannot run.

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "comm/kernels/kernels.h"

namespace hpml::comm {
namespace {

using Size = std::size_t;

template <class To, class From>
To bits_as(From from) {
    static_assert(sizeof(To) == sizeof(From));
    To to;
    std::memcpy(&to, &from, sizeof(to));
    return to;
}

/// Elements as they lie in memory and as they are computed with.
template <class T>
struct Plain {
    using Stored = T;
    using Value = T;
    static constexpr bool kFloats = T(1) / T(2) != T(0);
    static Value widen(Stored x) { return x; }
    static Stored narrow(Value x) { return x; }
};

/// For the mean of whole numbers, whose sum may be larger than they.
template <class T>
struct Averaged {
    using Stored = T;
    using Value = std::int64_t;
    static constexpr bool kFloats = false;
    static Value widen(Stored x) { return static_cast<Value>(x); }
    static Stored narrow(Value x) { return static_cast<Stored>(x); }
};

struct Bfloat16 {
    using Stored = std::uint16_t;
    using Value = float;
    static constexpr bool kFloats = true;
    static float widen(std::uint16_t x) { return bits_as<float>(std::uint32_t{x} << 16); }
    static std::uint16_t narrow(float x) {
        const auto bits = bits_as<std::uint32_t>(x);
        const std::uint32_t rounded = bits + 0x7FFFU + ((bits >> 16) & 1U);
        // A NaN stays one: its low half may hold all of its mantissa.
        const std::uint32_t quiet = bits | 0x00400000U;
        return static_cast<std::uint16_t>((x != x ? quiet : rounded) >> 16);
    }
};

/// Conversions without branches, so that they become vector code (after F. Giesen,
/// https://gist.github.com/rygorous/2156668: the magic multiplication and the magic addition).
struct Float16 {
    using Stored = std::uint16_t;
    using Value = float;
    static constexpr bool kFloats = true;
    static float widen(std::uint16_t x) {
        const std::uint32_t magnitude = x & 0x7FFFU;
        const std::uint32_t sign = std::uint32_t{x} - magnitude;
        // 2^112 moves the exponent from bias 15 to 127 and makes subnormal numbers normal.
        const float scaled = bits_as<float>(magnitude << 13) * 0x1p112F;
        const std::uint32_t special = magnitude >= 0x7C00U ? 0x7F800000U : 0U;
        return bits_as<float>(bits_as<std::uint32_t>(scaled) | special | (sign << 16));
    }
    static std::uint16_t narrow(float x) {
        const auto bits = bits_as<std::uint32_t>(x);
        const std::uint32_t magnitude = bits & 0x7FFFFFFFU;
        // Normal results: round to nearest even in whole numbers, then change the exponent's bias.
        const std::uint32_t odd = (magnitude >> 13) & 1U;
        const std::uint32_t normal = (magnitude + 0xC8000FFFU + odd) >> 13;
        // Subnormal results: adding 0.5 lines the bits up, and the addition rounds to nearest even.
        const float aligned = bits_as<float>(magnitude) + 0.5F;
        const std::uint32_t subnormal = bits_as<std::uint32_t>(aligned) - 0x3F000000U;
        const std::uint32_t special = magnitude > 0x7F800000U ? 0x7E00U : 0x7C00U;
        std::uint32_t result = magnitude < 0x38800000U ? subnormal : normal;
        result = magnitude >= 0x47800000U ? special : result;
        return static_cast<std::uint16_t>(result | ((bits >> 16) & 0x8000U));
    }
};

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

    /// Buffers need not be aligned.
    template <class Length>
    static void load(Stored* to, const std::byte* from, Size begin, Length length) {
        std::memcpy(to, from + begin * sizeof(Stored), length.count() * sizeof(Stored));
    }

    template <class Length>
    void block(Size begin, Length length) {
        Value sum[kBlock];
        Stored next[kBlock];
        load(next, work_.inputs[0], begin, length);
        for (Size k = 0; k < length.count(); ++k) {
            sum[k] = Element::widen(next[k]);
        }
        for (Size input = 1; input < work_.input_count; ++input) {
            load(next, work_.inputs[input], begin, length);
            for (Size k = 0; k < length.count(); ++k) {
                sum[k] = combine<kOp>(sum[k], Element::widen(next[k]));
            }
        }
        finish(sum, length);
        for (Size k = 0; k < length.count(); ++k) {
            next[k] = Element::narrow(sum[k]);
        }
        if constexpr (Element::kFloats) {
            if (work_.examine == Examine::Yes) {
                for (Size k = 0; k < length.count(); ++k) {
                    sum[k] = Element::widen(next[k]);
                }
                examiner_.look(sum, length.count());
            }
        }
        for (Size output = 0; output < work_.output_count; ++output) {
            std::memcpy(work_.outputs[output] + begin * sizeof(Stored), next,
                        length.count() * sizeof(Stored));
        }
    }

    template <class Length>
    void finish(Value* sum, Length length) const {
        if constexpr (Element::kFloats) {
            const auto factor =
                static_cast<Value>(work_.scale / static_cast<double>(work_.divisor));
            if (factor != Value(1)) {
                for (Size k = 0; k < length.count(); ++k) {
                    sum[k] *= factor;
                }
            }
        } else if (work_.divisor != 1) {
            for (Size k = 0; k < length.count(); ++k) {
                sum[k] = static_cast<Value>(sum[k] / static_cast<Value>(work_.divisor));
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
