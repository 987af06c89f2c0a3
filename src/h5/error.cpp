#include "h5/error.h"

#include "base/error.h"

namespace hpml::h5 {

namespace {

herr_t take_description(unsigned, const H5E_error2_t* entry, void* text) {
    auto& reason = *static_cast<std::string*>(text);
    if (reason.empty() && entry->desc != nullptr) {
        reason = entry->desc;
    }
    return 0;
}

}  // namespace

void quieten() {
    (void)H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
    (void)H5PLset_loading_state(0);
}

std::string reason() {
    std::string text;
    (void)H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, take_description, &text);
    (void)H5Eclear2(H5E_DEFAULT);
    return text.empty() ? "HDF5 gives no reason" : text;
}

void check_read(herr_t status, const std::string& what) {
    if (status < 0) {
        throw InputError(what + ": " + reason());
    }
}

Handle check_read(hid_t id, Handle::Close close, const std::string& what) {
    if (id < 0) {
        throw InputError(what + ": " + reason());
    }
    return {id, close};
}

void check_write(herr_t status, const std::string& what) {
    if (status < 0) {
        throw IoError(what + ": " + reason());
    }
}

Handle check_write(hid_t id, Handle::Close close, const std::string& what) {
    if (id < 0) {
        throw IoError(what + ": " + reason());
    }
    return {id, close};
}

}  // namespace hpml::h5
