#pragma once

#include <hdf5.h>

#include <cstddef>
#include <cstdint>
#include <string>

namespace hpml::h5 {

/// The element types that our files may hold, all little-endian.
enum class Element { Int8, Uint16, Int32, Int64 };

template <class T>
struct ElementOf;
template <>
struct ElementOf<std::int8_t> {
    static constexpr Element value = Element::Int8;
};
template <>
struct ElementOf<std::uint16_t> {
    static constexpr Element value = Element::Uint16;
};
template <>
struct ElementOf<std::int32_t> {
    static constexpr Element value = Element::Int32;
};
template <>
struct ElementOf<std::int64_t> {
    static constexpr Element value = Element::Int64;
};

[[nodiscard]] std::size_t size_of(Element element);
/// HDF5's predefined type; not to be closed.
[[nodiscard]] hid_t file_type(Element element);
[[nodiscard]] std::string name_of(Element element);
/// Any HDF5 type in words, e.g. "64-bit float", "16-bit unsigned integer, big-endian".
[[nodiscard]] std::string describe_type(hid_t type);

}  // namespace hpml::h5
