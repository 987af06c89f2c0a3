#pragma once

#include <cstdint>
#include <filesystem>

#include "text/documents.h"

namespace hpml::text {

/// The first position from `offset` at which a document of a plain file begins, so that a part read
/// from there to another such position is like a file of its own; the file's size if there is none.
/// @param format  one with parts, and not Auto
/// @throw MissingInputError, IoError
[[nodiscard]] std::uint64_t part_begin(const std::filesystem::path& path, DocumentFormat format,
                                       std::uint64_t offset);

}  // namespace hpml::text
