#include "h5/dataset.h"

#include "base/error.h"
#include "h5/error.h"

namespace hpml::h5 {

std::optional<std::uint64_t> Dataset::file_offset() const {
    const haddr_t address = H5Dget_offset(handle_.get());
    if (address == HADDR_UNDEF) {
        return std::nullopt;
    }
    return address;
}

void Dataset::read_elements(Element element, std::int64_t first, std::int64_t count,
                            void* values) const {
    if (element != element_) {
        throw InputError("dataset '" + name_ + "' holds " + name_of(element_) + " elements (" +
                         name_of(element) + " expected)");
    }
    expects(first >= 0 && count >= 0 && first <= length_ - count, "elements inside the dataset");
    if (count == 0) {
        return;
    }
    const std::string what = "cannot read dataset '" + name_ + "'";
    const Handle in_file = check_read(H5Dget_space(handle_.get()), H5Sclose, what);
    const auto start = static_cast<hsize_t>(first);
    const auto size = static_cast<hsize_t>(count);
    check_read(H5Sselect_hyperslab(in_file.get(), H5S_SELECT_SET, &start, nullptr, &size, nullptr),
               what);
    const Handle in_memory = check_read(H5Screate_simple(1, &size, nullptr), H5Sclose, what);
    check_read(H5Dread(handle_.get(), file_type(element), in_memory.get(), in_file.get(),
                       H5P_DEFAULT, values),
               what);
}

}  // namespace hpml::h5
