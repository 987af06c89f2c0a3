#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "h5/element.h"
#include "h5/handle.h"

namespace hpml::h5 {

/// A dataset of one or two dimensions of signed integers (8, 32 or 64 bits), in one piece or in
/// chunks, plain or packed by gzip, open for reading. Made by `File::table`.
class Table {
  public:
    /// Check type, shape and storage.
    /// @param what  file and dataset, for messages @throw InputError
    Table(Handle handle, std::string what, int dimensions);

    [[nodiscard]] Element element() const noexcept { return element_; }
    [[nodiscard]] std::int64_t rows() const noexcept { return rows_; }
    [[nodiscard]] std::int64_t columns() const noexcept { return columns_; }  ///< 1 if 1-D
    /// File and dataset, for messages.
    [[nodiscard]] const std::string& what() const noexcept { return what_; }

    /// Read rows [first, first + count), row after row, from the type that is stored to 32 bits.
    /// @param values  [count x columns]
    /// @throw InputError if a chunk is damaged, or naming the row whose value needs more bits
    void read_rows(std::int64_t first, std::int64_t count, std::span<std::int32_t> values);

  private:
    void check_type();
    void check_shape(int dimensions);
    void check_storage() const;
    void check_chunks(const Handle& properties) const;
    void read_as(Element element, std::int64_t first, std::int64_t count, void* values) const;
    void read_narrowed(std::int64_t first, std::int64_t count, std::span<std::int32_t> values);

    Handle handle_;
    std::string what_;
    Element element_ = Element::Int32;
    int dimensions_;
    std::int64_t rows_ = 0;
    std::int64_t columns_ = 1;
    std::vector<std::int64_t> wide_;  ///< values before they are narrowed
};

}  // namespace hpml::h5
