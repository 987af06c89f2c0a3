#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "model/safetensors.h"

namespace hpml::model {

/// Bytes of one element of a safetensors dtype name; 0 for an unknown name.
[[nodiscard]] std::uint64_t element_bytes(std::string_view dtype);

/// Read the JSON header event by event, so that a hostile one is refused at its first wrong token
/// and takes no more memory than the tensors that it names.
/// @param name  the file, for messages
/// @param data_bytes  what follows the header; the tensors must fill it without overlap or gap
/// @throw InputError naming the defect
[[nodiscard]] std::map<std::string, SafetensorsFile::Entry> parse_safetensors_header(
    std::string_view json, const std::string& name, std::uint64_t data_bytes);

}  // namespace hpml::model
