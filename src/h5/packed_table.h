#pragma once

#include <cstdint>
#include <span>
#include <utility>

#include "h5/element.h"
#include "h5/handle.h"

namespace hpml::h5 {

/// A dataset of one or two dimensions that lies in chunks packed by gzip, being written into a
/// `MemoryFile`, which outlives it. Made by `MemoryFile::add_packed`.
class PackedTable {
  public:
    /// @param columns  0 for one dimension
    PackedTable(Handle handle, Element element, std::int64_t rows, std::int64_t columns)
        : handle_(std::move(handle)), element_(element), rows_(rows), columns_(columns) {}

    /// Append whole rows. T is the dataset's type. Slabs of a multiple of `kChunkRows` rows are
    /// packed at once.
    template <class T>
    void append(std::span<const T> values) {
        append_elements(ElementOf<T>::value, static_cast<std::int64_t>(values.size()),
                        values.data());
    }
    /// All rows must have been written. @throw IoError
    void close();

    /// Most rows of a chunk; a power of two.
    static constexpr std::int64_t kChunkRows = 1024;

  private:
    void append_elements(Element element, std::int64_t count, const void* values);

    Handle handle_;
    Element element_;
    std::int64_t rows_;
    std::int64_t columns_;
    std::int64_t written_ = 0;  ///< rows
};

}  // namespace hpml::h5
