#include "base/error.h"
#include "h5/error.h"
#include "h5/file.h"

namespace hpml::h5 {

namespace {

constexpr const char* kWhat = "cannot build an HDF5 file in memory";
constexpr std::size_t kGrowth = 1 << 20;  ///< bytes by which the image grows

}  // namespace

MemoryFile::MemoryFile() {
    quieten();
    const Handle create = check_write(H5Pcreate(H5P_FILE_CREATE), H5Pclose, kWhat);
    const Handle access = check_write(H5Pcreate(H5P_FILE_ACCESS), H5Pclose, kWhat);
    // No time stamps and a fixed format, or the same rows would give other bytes. The format is the
    // oldest: H5Fget_file_image of HDF5 1.10 breaks the checksum of a newer superblock.
    check_write(H5Pset_obj_track_times(create.get(), false), kWhat);
    check_write(H5Pset_libver_bounds(access.get(), H5F_LIBVER_EARLIEST, H5F_LIBVER_V18), kWhat);
    check_write(H5Pset_fapl_core(access.get(), kGrowth, false), kWhat);
    handle_ = check_write(H5Fcreate("memory.h5", H5F_ACC_TRUNC, create.get(), access.get()),
                          H5Fclose, kWhat);
}

void MemoryFile::add_elements(const std::string& name, Element element, std::size_t count,
                              const void* values) {
    const auto length = static_cast<hsize_t>(count);
    const Handle space = check_write(H5Screate_simple(1, &length, nullptr), H5Sclose, kWhat);
    const Handle create = check_write(H5Pcreate(H5P_DATASET_CREATE), H5Pclose, kWhat);
    check_write(H5Pset_obj_track_times(create.get(), false), kWhat);
    check_write(H5Pset_layout(create.get(), H5D_CONTIGUOUS), kWhat);
    check_write(H5Pset_fill_time(create.get(), H5D_FILL_TIME_NEVER), kWhat);
    Handle dataset = check_write(H5Dcreate2(handle_.get(), name.c_str(), file_type(element),
                                            space.get(), H5P_DEFAULT, create.get(), H5P_DEFAULT),
                                 H5Dclose, kWhat);
    if (count > 0) {
        check_write(
            H5Dwrite(dataset.get(), file_type(element), H5S_ALL, H5S_ALL, H5P_DEFAULT, values),
            kWhat);
    }
    check_write(dataset.close(), kWhat);
}

void MemoryFile::write_attribute(const std::string& name, hid_t type, const void* value) {
    const Handle space = check_write(H5Screate(H5S_SCALAR), H5Sclose, kWhat);
    Handle attribute = check_write(
        H5Acreate2(handle_.get(), name.c_str(), type, space.get(), H5P_DEFAULT, H5P_DEFAULT),
        H5Aclose, kWhat);
    check_write(H5Awrite(attribute.get(), type, value), kWhat);
    check_write(attribute.close(), kWhat);
}

void MemoryFile::add_attribute(const std::string& name, std::int64_t value) {
    write_attribute(name, H5T_STD_I64LE, &value);
}

void MemoryFile::add_attribute(const std::string& name, const std::string& value) {
    expects(!value.empty(), "text in an attribute");
    const Handle type = check_write(H5Tcopy(H5T_C_S1), H5Tclose, kWhat);
    check_write(H5Tset_size(type.get(), value.size()), kWhat);
    check_write(H5Tset_strpad(type.get(), H5T_STR_NULLPAD), kWhat);
    write_attribute(name, type.get(), value.data());
}

std::vector<std::byte> MemoryFile::image() const {
    check_write(H5Fflush(handle_.get(), H5F_SCOPE_LOCAL), kWhat);
    const ssize_t size = H5Fget_file_image(handle_.get(), nullptr, 0);
    check_write(size < 0 ? -1 : 0, kWhat);
    std::vector<std::byte> bytes(static_cast<std::size_t>(size));
    const ssize_t got = H5Fget_file_image(handle_.get(), bytes.data(), bytes.size());
    check_write(got == size ? 0 : -1, kWhat);
    return bytes;
}

}  // namespace hpml::h5
