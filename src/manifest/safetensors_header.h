#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"

namespace hpml::checkpoint {

/// What the header of a safetensors file says of a tensor
/// (https://github.com/huggingface/safetensors, format documented in its README).
struct SafetensorsEntry {
    std::string dtype;  ///< "F32", "I64", ...
    std::vector<std::int64_t> shape;
    std::uint64_t begin = 0;  ///< bytes from the start of the data
    std::uint64_t end = 0;

    [[nodiscard]] std::uint64_t bytes() const { return end - begin; }
};

struct SafetensorsHeader {
    std::map<std::string, SafetensorsEntry> entries;
    std::uint64_t data_start = 0;  ///< of the data, from the start of the file
};

/// Of the number that a safetensors file begins with: the length of its header.
inline constexpr std::uint64_t kSafetensorsLengthBytes = 8;

/// Everything in it is checked before any memory is taken: length, JSON, names, dtypes, shapes
/// times element size, offsets without overlap, gap or overrun.
/// @throw InputError naming the defect
[[nodiscard]] SafetensorsHeader read_safetensors_header(const InputFile& file);

/// Bytes of one element of a safetensors dtype name; 0 for an unknown name.
[[nodiscard]] std::uint64_t element_bytes(std::string_view dtype);

}  // namespace hpml::checkpoint
