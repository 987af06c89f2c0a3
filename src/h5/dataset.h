#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "h5/element.h"
#include "h5/handle.h"

namespace hpml::h5 {

/// A one-dimensional, contiguous, unfiltered dataset of one of our element types, open for reading.
/// Made by `File::dataset`, which has checked all of that.
class Dataset {
  public:
    Dataset(Handle handle, std::string name, Element element, std::int64_t length)
        : handle_(std::move(handle)), name_(std::move(name)), element_(element), length_(length) {}

    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    [[nodiscard]] Element element() const noexcept { return element_; }
    [[nodiscard]] std::int64_t length() const noexcept { return length_; }  ///< elements
    /// Where the elements begin in the file, in bytes; none if the dataset is empty. A contiguous
    /// dataset may be read from there by any thread without HDF5, which is not thread-safe.
    [[nodiscard]] std::optional<std::uint64_t> file_offset() const;

    /// Read elements [first, first + values.size()). Never converts.
    /// @throw InputError if the file ends before, or T is not the dataset's type
    template <class T>
    void read(std::int64_t first, std::span<T> values) const {
        read_elements(ElementOf<T>::value, first, static_cast<std::int64_t>(values.size()),
                      values.data());
    }

  private:
    void read_elements(Element element, std::int64_t first, std::int64_t count, void* values) const;

    Handle handle_;
    std::string name_;
    Element element_;
    std::int64_t length_;
};

}  // namespace hpml::h5
