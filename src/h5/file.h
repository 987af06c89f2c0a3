#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "h5/dataset.h"
#include "h5/handle.h"
#include "h5/packed_table.h"
#include "h5/table.h"

namespace hpml::h5 {

/// An HDF5 file open for reading. HDF5 is not thread-safe: all calls from one thread at a time.
class File {
  public:
    /// @throw MissingInputError if it cannot be opened, InputError with HDF5's reason if it is
    /// empty, not HDF5 or truncated
    explicit File(const std::filesystem::path& path);

    /// A dataset directly under the root: one-dimensional, contiguous, unfiltered, inside this
    /// file, and of exactly this element type.
    /// @throw InputError naming the file, the dataset, what was expected and what was found
    [[nodiscard]] Dataset dataset(const std::string& name, Element element) const;
    /// A dataset directly under the root, of one or two dimensions of signed integers, inside this
    /// file, in one piece or in chunks, which gzip may have packed; all of it is there.
    /// @param dimensions  1 or 2
    /// @throw InputError likewise
    [[nodiscard]] Table table(const std::string& name, int dimensions) const;
    [[nodiscard]] bool has(const std::string& name) const;
    /// A scalar 64-bit integer attribute of the root. @throw InputError likewise
    [[nodiscard]] std::int64_t integer_attribute(const std::string& name) const;
    /// A fixed-length text attribute of the root. @throw InputError likewise
    [[nodiscard]] std::string text_attribute(const std::string& name) const;

  private:
    [[nodiscard]] Handle open_dataset(const std::string& name, const std::string& expected) const;
    [[nodiscard]] Handle attribute(const std::string& name) const;
    void check_storage(const Handle& dataset, const std::string& what) const;

    std::filesystem::path path_;
    Handle handle_;
};

/// An HDF5 file built in memory, so that a full disk shows at our own checked writes: HDF5 loses
/// such errors when it closes a file. The same calls give the same bytes.
class MemoryFile {
  public:
    MemoryFile();

    template <class T>
    void add_dataset(const std::string& name, std::span<const T> values) {
        add_elements(name, ElementOf<T>::value, values.size(), values.data());
    }
    /// A dataset in chunks packed by gzip, to be filled and closed before `image`.
    /// @param columns  0 for a dataset of one dimension
    [[nodiscard]] PackedTable add_packed(const std::string& name, Element element,
                                         std::int64_t rows, std::int64_t columns);
    void add_attribute(const std::string& name, std::int64_t value);
    /// @param value  not empty, stored with its exact length
    void add_attribute(const std::string& name, const std::string& value);
    /// The file's bytes. @throw IoError
    [[nodiscard]] std::vector<std::byte> image() const;

  private:
    void add_elements(const std::string& name, Element element, std::size_t count,
                      const void* values);
    void write_attribute(const std::string& name, hid_t type, const void* value);

    Handle handle_;
};

}  // namespace hpml::h5
