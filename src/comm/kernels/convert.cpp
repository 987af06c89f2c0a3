#include "comm/kernels/convert.h"

#include "base/error.h"
#include "comm/kernels/element_code.h"

namespace hpml::comm {

namespace {

/// Buffers need not be aligned.
template <class T>
T load(const std::byte* from, Size index) {
    T value;
    std::memcpy(&value, from + index * sizeof(T), sizeof(T));
    return value;
}

template <class T>
void store(std::byte* to, Size index, T value) {
    std::memcpy(to + index * sizeof(T), &value, sizeof(T));
}

template <class Element>
void widen_elements(const Buffer& from, std::byte* to) {
    for (Size i = 0; i < from.count; ++i) {
        store(to, i, Element::widen(load<typename Element::Stored>(from.data, i)));
    }
}

template <class Element>
void narrow_elements(const std::byte* from, const Buffer& to) {
    for (Size i = 0; i < to.count; ++i) {
        store(to.data, i, Element::narrow(load<typename Element::Value>(from, i)));
    }
}

/// Call `work` with the element type of a narrow `type`.
template <class Work>
void with_element(DataType type, const Work& work) {
    switch (type) {
        case DataType::F16:
            return work(Float16{});
        case DataType::BF16:
            return work(Bfloat16{});
        case DataType::U8:
            return work(Averaged<std::uint8_t>{});
        case DataType::I8:
            return work(Averaged<std::int8_t>{});
        case DataType::I32:
            return work(Averaged<std::int32_t>{});
        default:
            expects(false, "a type that travels in a wider one");
    }
}

}  // namespace

DataType travel_type(DataType type, ReduceOp op) {
    if (type == DataType::F16 || type == DataType::BF16) {
        return DataType::F32;
    }
    const bool short_whole = type == DataType::U8 || type == DataType::I8 || type == DataType::I32;
    return short_whole && op == ReduceOp::Avg ? DataType::I64 : type;
}

void widen(const Buffer& from, std::byte* to) {
    with_element(from.type, [&](auto element) { widen_elements<decltype(element)>(from, to); });
}

void narrow(const std::byte* from, const Buffer& to) {
    with_element(to.type, [&](auto element) { narrow_elements<decltype(element)>(from, to); });
}

}  // namespace hpml::comm
