#include "h5/element.h"

#include <bit>

namespace hpml::h5 {

static_assert(std::endian::native == std::endian::little,
              "shards are little-endian and are read without conversion");

std::size_t size_of(Element element) {
    switch (element) {
        case Element::Int8:
            return 1;
        case Element::Uint16:
            return 2;
        case Element::Int32:
            return 4;
        case Element::Int64:
            break;
    }
    return 8;
}

hid_t file_type(Element element) {
    switch (element) {
        case Element::Int8:
            return H5T_STD_I8LE;
        case Element::Uint16:
            return H5T_STD_U16LE;
        case Element::Int32:
            return H5T_STD_I32LE;
        case Element::Int64:
            break;
    }
    return H5T_STD_I64LE;
}

std::string name_of(Element element) { return describe_type(file_type(element)); }

std::string describe_type(hid_t type) {
    const std::string bits = std::to_string(H5Tget_size(type) * 8) + "-bit ";
    const std::string order = H5Tget_order(type) == H5T_ORDER_BE ? ", big-endian" : "";
    switch (H5Tget_class(type)) {
        case H5T_INTEGER:
            return bits + (H5Tget_sign(type) == H5T_SGN_NONE ? "unsigned" : "signed") + " integer" +
                   order;
        case H5T_FLOAT:
            return bits + "float" + order;
        case H5T_STRING:
            return "text";
        default:
            return "another type (" + bits + "elements)";
    }
}

}  // namespace hpml::h5
