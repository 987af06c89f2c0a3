#include "h5/table.h"

#include <array>
#include <cstddef>
#include <utility>

#include "base/error.h"
#include "h5/error.h"

namespace hpml::h5 {

namespace {

constexpr hsize_t kLargestChunk = 1 << 28;  ///< bytes: HDF5 unpacks a chunk as a whole
constexpr hsize_t kMostColumns = 1 << 20;
constexpr hsize_t kMostRows = hsize_t{1} << 40;

}  // namespace

Table::Table(Handle handle, std::string what, int dimensions)
    : handle_(std::move(handle)), what_(std::move(what)), dimensions_(dimensions) {
    expects(dimensions == 1 || dimensions == 2, "a table of one or two dimensions");
    check_type();
    check_shape(dimensions);
    check_storage();
}

void Table::check_type() {
    const Handle type = check_read(H5Dget_type(handle_.get()), H5Tclose, what_);
    for (const Element element : {Element::Int8, Element::Int32, Element::Int64}) {
        const htri_t same = H5Tequal(type.get(), file_type(element));
        check_read(same, what_);
        if (same > 0) {
            element_ = element;
            return;
        }
    }
    throw InputError(what_ + " holds " + describe_type(type.get()) +
                     " elements (signed integers of 8, 32 or 64 bits expected)");
}

void Table::check_shape(int dimensions) {
    const Handle space = check_read(H5Dget_space(handle_.get()), H5Sclose, what_);
    const int found = H5Sget_simple_extent_ndims(space.get());
    check_read(found, what_);
    if (found != dimensions) {
        throw InputError(what_ + " has " + std::to_string(found) + " dimensions (" +
                         std::to_string(dimensions) + " expected)");
    }
    std::array<hsize_t, 2> shape{0, 1};
    check_read(H5Sget_simple_extent_dims(space.get(), shape.data(), nullptr), what_);
    if (shape[0] > kMostRows || shape[1] == 0 || shape[1] > kMostColumns) {
        throw InputError(what_ + " has " + std::to_string(shape[0]) + " x " +
                         std::to_string(shape[1]) + " elements (1 to " +
                         std::to_string(kMostColumns) + " columns expected)");
    }
    rows_ = static_cast<std::int64_t>(shape[0]);
    columns_ = static_cast<std::int64_t>(shape[1]);
}

/// Without this, a file of a few bytes could claim any number of rows: HDF5 makes up what is not
/// stored.
void Table::check_storage() const {
    const Handle properties = check_read(H5Dget_create_plist(handle_.get()), H5Pclose, what_);
    const H5D_layout_t layout = H5Pget_layout(properties.get());
    if (H5Pget_external_count(properties.get()) != 0 ||
        (layout != H5D_CONTIGUOUS && layout != H5D_CHUNKED)) {
        throw InputError(what_ +
                         " is stored elsewhere or in another layout (in one piece or in "
                         "chunks expected)");
    }
    const hsize_t size = static_cast<hsize_t>(rows_) * static_cast<hsize_t>(columns_) *
                         static_cast<hsize_t>(size_of(element_));
    if (layout == H5D_CHUNKED) {
        check_chunks(properties);
    } else if (H5Dget_storage_size(handle_.get()) != size) {
        throw InputError(what_ + " has fewer bytes in the file than its shape needs");
    }
}

void Table::check_chunks(const Handle& properties) const {
    std::array<hsize_t, 2> chunk{1, 1};
    check_read(H5Pget_chunk(properties.get(), dimensions_, chunk.data()), what_);
    if (chunk[0] > kLargestChunk || chunk[1] > kLargestChunk ||
        chunk[0] * chunk[1] > kLargestChunk / size_of(element_)) {
        throw InputError(what_ + " has chunks of more than " + std::to_string(kLargestChunk >> 20) +
                         " MiB (they are read as a whole)");
    }
    for (int i = 0; i < H5Pget_nfilters(properties.get()); ++i) {
        unsigned flags = 0;
        std::size_t values = 0;
        unsigned config = 0;
        const H5Z_filter_t filter = H5Pget_filter2(properties.get(), static_cast<unsigned>(i),
                                                   &flags, &values, nullptr, 0, nullptr, &config);
        if (filter != H5Z_FILTER_DEFLATE && filter != H5Z_FILTER_SHUFFLE &&
            filter != H5Z_FILTER_FLETCHER32) {
            throw InputError(what_ + " is packed by filter " + std::to_string(filter) +
                             " (gzip, shuffle or fletcher32 expected)");
        }
    }
    const auto up = [](std::int64_t size, hsize_t part) {
        return (static_cast<hsize_t>(size) + part - 1) / part;
    };
    const Handle space = check_read(H5Dget_space(handle_.get()), H5Sclose, what_);
    hsize_t stored = 0;
    check_read(H5Dget_num_chunks(handle_.get(), space.get(), &stored), what_);
    const hsize_t expected = up(rows_, chunk[0]) * up(columns_, chunk[1]);
    if (stored != expected) {
        throw InputError(what_ + " has " + std::to_string(stored) + " chunks in the file (" +
                         std::to_string(expected) + " expected by its shape)");
    }
}

void Table::read_as(Element element, std::int64_t first, std::int64_t count, void* values) const {
    const Handle in_file = check_read(H5Dget_space(handle_.get()), H5Sclose, what_);
    const std::array<hsize_t, 2> start{static_cast<hsize_t>(first), 0};
    const std::array<hsize_t, 2> size{static_cast<hsize_t>(count), static_cast<hsize_t>(columns_)};
    check_read(H5Sselect_hyperslab(in_file.get(), H5S_SELECT_SET, start.data(), nullptr,
                                   size.data(), nullptr),
               what_);
    const Handle in_memory =
        check_read(H5Screate_simple(dimensions_, size.data(), nullptr), H5Sclose, what_);
    check_read(H5Dread(handle_.get(), file_type(element), in_memory.get(), in_file.get(),
                       H5P_DEFAULT, values),
               what_);
}

/// HDF5 would cut a number that is too large to the largest.
void Table::read_narrowed(std::int64_t first, std::int64_t count, std::span<std::int32_t> values) {
    wide_.resize(values.size());
    read_as(Element::Int64, first, count, wide_.data());
    for (std::size_t i = 0; i < values.size(); ++i) {
        if (!std::in_range<std::int32_t>(wide_[i])) {
            throw InputError(what_ + ", row " +
                             std::to_string(first + static_cast<std::int64_t>(i) / columns_) +
                             " holds " + std::to_string(wide_[i]) + " (at most 32 bits expected)");
        }
        values[i] = static_cast<std::int32_t>(wide_[i]);
    }
}

void Table::read_rows(std::int64_t first, std::int64_t count, std::span<std::int32_t> values) {
    expects(first >= 0 && count >= 0 && first <= rows_ - count, "rows inside the table");
    expects(static_cast<std::int64_t>(values.size()) == count * columns_, "room for the rows");
    if (count == 0) {
        return;
    }
    if (element_ == Element::Int64) {
        read_narrowed(first, count, values);
    } else {
        read_as(Element::Int32, first, count, values.data());
    }
}

}  // namespace hpml::h5
