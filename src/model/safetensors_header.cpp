#include "model/safetensors_header.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/json.h"

namespace hpml::model {

namespace {

constexpr std::size_t kMaxDimensions = 16;

[[noreturn]] void refuse(const std::string& defect) { throw InputError(defect); }

/// Takes exactly {"name": {"dtype": "F32", "shape": [..], "data_offsets": [b, e]}, ...} and a
/// "__metadata__" of strings.
class HeaderReader : public nlohmann::json_sax<nlohmann::json> {
  public:
    std::map<std::string, SafetensorsFile::Entry> entries;

    bool null() override { return unexpected("null"); }
    bool boolean(bool) override { return unexpected("a boolean"); }
    bool number_float(double, const std::string&) override {
        return unexpected("a number that is not a count");
    }
    bool binary(binary_t&) override { return unexpected("binary data"); }
    bool number_integer(std::int64_t value) override {
        return unexpected("the negative number " + std::to_string(value));
    }

    bool number_unsigned(std::uint64_t value) override {
        if (place_ == Place::Shape) {
            if (value > INT64_MAX || entry_.shape.size() == kMaxDimensions) {
                refuse("tensor '" + tensor_ + "' has an impossible shape");
            }
            entry_.shape.push_back(static_cast<std::int64_t>(value));
            return true;
        }
        if (place_ == Place::Offsets) {
            if (offsets_ == 2) {
                refuse("tensor '" + tensor_ + "' has more than two data_offsets");
            }
            (offsets_++ == 0 ? entry_.begin : entry_.end) = value;
            return true;
        }
        return unexpected("the number " + std::to_string(value));
    }

    bool string(std::string& value) override {
        if (place_ == Place::Metadata) {
            return true;
        }
        if (place_ != Place::Tensor || field_ != "dtype") {
            return unexpected("a string");
        }
        entry_.dtype = value;
        return true;
    }

    bool start_object(std::size_t) override {
        if (place_ == Place::Start) {
            place_ = Place::Tensors;
        } else if (place_ == Place::Tensors) {
            place_ = tensor_ == "__metadata__" ? Place::Metadata : Place::Tensor;
            entry_ = {};
            fields_.clear();
            offsets_ = 0;
        } else {
            return unexpected("an object (nested too deeply)");
        }
        return true;
    }

    bool key(std::string& value) override {
        std::set<std::string>& seen = place_ == Place::Tensors ? names_ : fields_;
        if (!seen.insert(value).second) {
            refuse("the header has the key '" + value + "' twice");
        }
        (place_ == Place::Tensors ? tensor_ : field_) = value;
        return true;
    }

    bool end_object() override {
        if (place_ == Place::Tensor) {
            const std::set<std::string> wanted = {"data_offsets", "dtype", "shape"};
            if (fields_ != wanted || offsets_ != 2) {
                refuse("tensor '" + tensor_ + "' needs dtype, shape and two data_offsets only");
            }
            entries.emplace(tensor_, std::move(entry_));
        }
        place_ = Place::Tensors;
        return true;
    }

    bool start_array(std::size_t) override {
        if (place_ == Place::Tensor && field_ == "shape") {
            place_ = Place::Shape;
        } else if (place_ == Place::Tensor && field_ == "data_offsets") {
            place_ = Place::Offsets;
        } else {
            return unexpected("an array (nested too deeply)");
        }
        return true;
    }

    bool end_array() override {
        place_ = Place::Tensor;
        return true;
    }

    bool parse_error(std::size_t, const std::string&,
                     const nlohmann::json::exception& failure) override {
        refuse(std::string("the header is not valid JSON: ") + failure.what());
    }

  private:
    enum class Place { Start, Tensors, Metadata, Tensor, Shape, Offsets };

    bool unexpected(const std::string& found) const {
        refuse("the header has " + found + " where it does not belong" +
               (tensor_.empty() ? "" : " (at '" + tensor_ + "')"));
    }

    Place place_ = Place::Start;
    std::string tensor_;
    std::string field_;
    SafetensorsFile::Entry entry_;
    int offsets_ = 0;
    std::set<std::string> names_;
    std::set<std::string> fields_;
};

void check_size(const std::string& name, const SafetensorsFile::Entry& entry) {
    std::uint64_t bytes = element_bytes(entry.dtype);
    if (bytes == 0) {
        refuse("tensor '" + name + "' has the unknown dtype '" + entry.dtype + "'");
    }
    for (const std::int64_t extent : entry.shape) {
        if (__builtin_mul_overflow(bytes, static_cast<std::uint64_t>(extent), &bytes)) {
            refuse("tensor '" + name + "': shape times element size overflows 64 bits");
        }
    }
    if (entry.begin > entry.end || entry.end - entry.begin != bytes) {
        refuse("tensor '" + name + "' has data_offsets [" + std::to_string(entry.begin) + ", " +
               std::to_string(entry.end) + "] but its shape needs " + std::to_string(bytes) +
               " bytes");
    }
}

/// The tensors, by offset, must follow each other and fill the data.
void check_layout(const std::map<std::string, SafetensorsFile::Entry>& entries,
                  std::uint64_t data_bytes) {
    std::vector<std::pair<std::pair<std::uint64_t, std::uint64_t>, std::string>> spans;
    spans.reserve(entries.size());
    for (const auto& [name, entry] : entries) {
        check_size(name, entry);
        spans.push_back({{entry.begin, entry.end}, name});
    }
    std::sort(spans.begin(), spans.end());
    std::uint64_t next = 0;
    for (const auto& [span, name] : spans) {
        if (span.first != next) {
            refuse("tensor '" + name + "' starts at byte " + std::to_string(span.first) +
                   (span.first < next ? ", inside the tensor before it (which ends at "
                                      : ", leaving a hole behind the tensor before it (ends at ") +
                   std::to_string(next) + ")");
        }
        next = span.second;
    }
    if (next != data_bytes) {
        refuse("the tensors need " + std::to_string(next) + " bytes of data but " +
               std::to_string(data_bytes) + " follow the header" +
               (next < data_bytes ? " (trailing bytes)" : " (truncated)"));
    }
}

}  // namespace

std::uint64_t element_bytes(std::string_view dtype) {
    constexpr std::array<std::pair<std::string_view, std::uint64_t>, 15> sizes = {{{"F64", 8},
                                                                                   {"I64", 8},
                                                                                   {"U64", 8},
                                                                                   {"F32", 4},
                                                                                   {"I32", 4},
                                                                                   {"U32", 4},
                                                                                   {"F16", 2},
                                                                                   {"BF16", 2},
                                                                                   {"I16", 2},
                                                                                   {"U16", 2},
                                                                                   {"I8", 1},
                                                                                   {"U8", 1},
                                                                                   {"BOOL", 1},
                                                                                   {"F8_E5M2", 1},
                                                                                   {"F8_E4M3", 1}}};
    const auto found = std::find_if(sizes.begin(), sizes.end(),
                                    [&](const auto& entry) { return entry.first == dtype; });
    return found == sizes.end() ? 0 : found->second;
}

std::map<std::string, SafetensorsFile::Entry> parse_safetensors_header(std::string_view json,
                                                                       const std::string& name,
                                                                       std::uint64_t data_bytes) {
    try {
        if (json.empty() || json.front() != '{') {
            refuse("the header does not start with '{'");
        }
        if (json.find('\0') != std::string_view::npos) {  // the parser would take it for the end
            refuse("the header is not valid JSON: it has a NUL byte");
        }
        HeaderReader reader;
        nlohmann::json::sax_parse(json.begin(), json.end(), &reader);
        check_layout(reader.entries, data_bytes);
        return std::move(reader.entries);
    } catch (const InputError& defect) {
        throw InputError(name + " is not a usable safetensors file: " + defect.what());
    }
}

}  // namespace hpml::model
