#include "h5/file.h"

#include "base/error.h"
#include "base/file.h"
#include "h5/error.h"

namespace hpml::h5 {

namespace fs = std::filesystem;

namespace {

/// Missing and unreadable files are told apart from bad ones before HDF5 sees them.
void check_readable(const fs::path& path) {
    if (InputFile(path).size() == Bytes(0)) {
        throw InputError(path.string() + " is empty, not an HDF5 file; make it again");
    }
}

std::string shape_of(const Handle& space) {
    const int rank = H5Sget_simple_extent_ndims(space.get());
    return std::to_string(rank) + (rank == 1 ? " dimension" : " dimensions");
}

}  // namespace

File::File(const fs::path& path) : path_(path) {
    quieten();
    check_readable(path);
    handle_ = check_read(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose,
                         path.string() + " cannot be opened as HDF5");
}

bool File::has(const std::string& name) const {
    const htri_t exists = H5Lexists(handle_.get(), name.c_str(), H5P_DEFAULT);
    check_read(exists, path_.string() + ": dataset '" + name + "'");
    return exists > 0;
}

Handle File::open_dataset(const std::string& name, const std::string& expected) const {
    const std::string what = path_.string() + ": dataset '" + name + "'";
    if (!has(name)) {
        throw InputError(what + " is missing (" + expected + " expected)");
    }
    H5L_info_t link{};
    check_read(H5Lget_info(handle_.get(), name.c_str(), &link, H5P_DEFAULT), what);
    if (link.type != H5L_TYPE_HARD) {
        throw InputError(what + " is a link to another place (data in this file expected)");
    }
    return check_read(H5Dopen2(handle_.get(), name.c_str(), H5P_DEFAULT), H5Dclose, what);
}

Table File::table(const std::string& name, int dimensions) const {
    return {open_dataset(name, "signed integers, " + std::to_string(dimensions) +
                                   (dimensions == 1 ? " dimension" : " dimensions")),
            path_.string() + ": dataset '" + name + "'", dimensions};
}

Dataset File::dataset(const std::string& name, Element element) const {
    const std::string what = path_.string() + ": dataset '" + name + "'";
    Handle dataset = open_dataset(name, name_of(element) + ", 1 dimension");
    const Handle type = check_read(H5Dget_type(dataset.get()), H5Tclose, what);
    const htri_t same = H5Tequal(type.get(), file_type(element));
    check_read(same, what);
    if (same == 0) {
        throw InputError(what + " holds " + describe_type(type.get()) + " elements (" +
                         name_of(element) + " expected; values are never converted)");
    }
    const Handle space = check_read(H5Dget_space(dataset.get()), H5Sclose, what);
    if (H5Sget_simple_extent_ndims(space.get()) != 1) {
        throw InputError(what + " has " + shape_of(space) + " (1 dimension expected)");
    }
    check_storage(dataset, what);
    const hssize_t length = H5Sget_simple_extent_npoints(space.get());
    check_read(length < 0 ? -1 : 0, what);
    if (H5Dget_storage_size(dataset.get()) !=
        static_cast<hsize_t>(length) * static_cast<hsize_t>(size_of(element))) {
        throw InputError(what + " has " + std::to_string(length) +
                         " elements but not as many bytes in the file");
    }
    return {std::move(dataset), name, element, static_cast<std::int64_t>(length)};
}

void File::check_storage(const Handle& dataset, const std::string& what) const {
    const Handle properties = check_read(H5Dget_create_plist(dataset.get()), H5Pclose, what);
    const bool plain = H5Pget_layout(properties.get()) == H5D_CONTIGUOUS &&
                       H5Pget_external_count(properties.get()) == 0 &&
                       H5Pget_nfilters(properties.get()) == 0;
    if (!plain) {
        throw InputError(what + " is chunked, filtered or stored elsewhere (contiguous expected)");
    }
}

Handle File::attribute(const std::string& name) const {
    const std::string what = path_.string() + ": attribute '" + name + "'";
    const htri_t exists = H5Aexists(handle_.get(), name.c_str());
    check_read(exists, what);
    if (exists == 0) {
        throw InputError(what + " is missing");
    }
    Handle attribute =
        check_read(H5Aopen(handle_.get(), name.c_str(), H5P_DEFAULT), H5Aclose, what);
    const Handle space = check_read(H5Aget_space(attribute.get()), H5Sclose, what);
    if (H5Sget_simple_extent_type(space.get()) != H5S_SCALAR) {
        throw InputError(what + " is not a single value");
    }
    return attribute;
}

std::int64_t File::integer_attribute(const std::string& name) const {
    const std::string what = path_.string() + ": attribute '" + name + "'";
    const Handle attribute = this->attribute(name);
    const Handle type = check_read(H5Aget_type(attribute.get()), H5Tclose, what);
    if (H5Tequal(type.get(), H5T_STD_I64LE) <= 0) {
        throw InputError(what + " is " + describe_type(type.get()) + " (" +
                         name_of(Element::Int64) + " expected)");
    }
    std::int64_t value = 0;
    check_read(H5Aread(attribute.get(), H5T_STD_I64LE, &value), what);
    return value;
}

std::string File::text_attribute(const std::string& name) const {
    constexpr std::size_t kLongest = 4096;
    const std::string what = path_.string() + ": attribute '" + name + "'";
    const Handle attribute = this->attribute(name);
    const Handle type = check_read(H5Aget_type(attribute.get()), H5Tclose, what);
    if (H5Tget_class(type.get()) != H5T_STRING || H5Tis_variable_str(type.get()) != 0 ||
        H5Tget_size(type.get()) > kLongest) {
        throw InputError(what + " is " + describe_type(type.get()) +
                         " (text of fixed length expected)");
    }
    std::string value(H5Tget_size(type.get()), '\0');
    check_read(H5Aread(attribute.get(), type.get(), value.data()), what);
    value.resize(value.find_last_not_of('\0') + 1);
    return value;
}

}  // namespace hpml::h5
