#include "h5/packed_table.h"

#include <algorithm>
#include <array>
#include <bit>

#include "base/error.h"
#include "h5/error.h"
#include "h5/file.h"

namespace hpml::h5 {

namespace {

constexpr const char* kWhat = "cannot build an HDF5 file in memory";
constexpr std::int64_t kChunkBytes = 1 << 18;  ///< at most, and at least a row
constexpr unsigned kGzipLevel = 4;             ///< h5py's

std::int64_t chunk_rows(std::int64_t rows, std::int64_t row_bytes) {
    const auto fitting = static_cast<std::uint64_t>(
        std::max<std::int64_t>(1, std::min(PackedTable::kChunkRows, kChunkBytes / row_bytes)));
    return std::min(rows, static_cast<std::int64_t>(std::bit_floor(fitting)));
}

}  // namespace

PackedTable MemoryFile::add_packed(const std::string& name, Element element, std::int64_t rows,
                                   std::int64_t columns) {
    expects(rows > 0 && columns >= 0, "a table with rows");
    const int dimensions = columns == 0 ? 1 : 2;
    const std::int64_t width = std::max<std::int64_t>(columns, 1);
    const std::array<hsize_t, 2> shape{static_cast<hsize_t>(rows), static_cast<hsize_t>(width)};
    const std::array<hsize_t, 2> chunk{
        static_cast<hsize_t>(chunk_rows(rows, width * static_cast<std::int64_t>(size_of(element)))),
        static_cast<hsize_t>(width)};
    const Handle space =
        check_write(H5Screate_simple(dimensions, shape.data(), nullptr), H5Sclose, kWhat);
    const Handle create = check_write(H5Pcreate(H5P_DATASET_CREATE), H5Pclose, kWhat);
    check_write(H5Pset_obj_track_times(create.get(), false), kWhat);
    check_write(H5Pset_chunk(create.get(), dimensions, chunk.data()), kWhat);
    check_write(H5Pset_deflate(create.get(), kGzipLevel), kWhat);
    return {check_write(H5Dcreate2(handle_.get(), name.c_str(), file_type(element), space.get(),
                                   H5P_DEFAULT, create.get(), H5P_DEFAULT),
                        H5Dclose, kWhat),
            element, rows, columns};
}

void PackedTable::append_elements(Element element, std::int64_t count, const void* values) {
    const std::int64_t width = std::max<std::int64_t>(columns_, 1);
    expects(element == element_, "values of the table's type");
    expects(count % width == 0 && written_ + count / width <= rows_, "whole rows of the table");
    if (count == 0) {
        return;
    }
    const int dimensions = columns_ == 0 ? 1 : 2;
    const std::array<hsize_t, 2> start{static_cast<hsize_t>(written_), 0};
    const std::array<hsize_t, 2> size{static_cast<hsize_t>(count / width),
                                      static_cast<hsize_t>(width)};
    const Handle in_file = check_write(H5Dget_space(handle_.get()), H5Sclose, kWhat);
    check_write(H5Sselect_hyperslab(in_file.get(), H5S_SELECT_SET, start.data(), nullptr,
                                    size.data(), nullptr),
                kWhat);
    const Handle in_memory =
        check_write(H5Screate_simple(dimensions, size.data(), nullptr), H5Sclose, kWhat);
    check_write(H5Dwrite(handle_.get(), file_type(element_), in_memory.get(), in_file.get(),
                         H5P_DEFAULT, values),
                kWhat);
    written_ += count / width;
}

void PackedTable::close() {
    expects(written_ == rows_, "all rows of the table");
    check_write(handle_.close(), kWhat);
}

}  // namespace hpml::h5
