#include "manifest/safetensors_header.h"

#include <algorithm>
#include <array>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/json.h"

namespace hpml::checkpoint {

namespace {

constexpr std::size_t kMaxDimensions = 16;
constexpr std::uint64_t kMaxHeaderBytes = 100'000'000;  // the reference implementation's limit

[[noreturn]] void refuse(const std::string& defect) { throw InputError(defect); }

/// Takes exactly {"name": {"dtype": "F32", "shape": [..], "data_offsets": [b, e]}, ...} and a
/// "__metadata__" of strings.
class HeaderReader : public nlohmann::json_sax<nlohmann::json> {
  public:
    std::map<std::string, SafetensorsEntry> entries;

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
    SafetensorsEntry entry_;
    int offsets_ = 0;
    std::set<std::string> names_;
    std::set<std::string> fields_;
};

void check_size(const std::string& name, const SafetensorsEntry& entry) {
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
void check_layout(const std::map<std::string, SafetensorsEntry>& entries,
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

/// Event by event, so that a hostile one is refused at its first wrong token and takes no more
/// memory than the tensors that it names.
/// @param data_bytes  what follows the header; the tensors must fill it without overlap or gap
std::map<std::string, SafetensorsEntry> parse(std::string_view json, std::uint64_t data_bytes) {
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

SafetensorsHeader read_safetensors_header(const InputFile& file) {
    const auto refuse_file = [&](const std::string& defect) {
        throw InputError(file.path().string() + " is not a usable safetensors file: " + defect);
    };
    const std::uint64_t size = file.size().value;
    if (size < kSafetensorsLengthBytes) {
        refuse_file("it has " + std::to_string(size) + " bytes");
    }
    std::uint64_t length = 0;
    file.read_at(0, std::as_writable_bytes(std::span(&length, 1)));
    if (length > kMaxHeaderBytes) {
        refuse_file("its header claims " + std::to_string(length) + " bytes (at most " +
                    std::to_string(kMaxHeaderBytes) + ")");
    }
    if (length > size - kSafetensorsLengthBytes) {
        refuse_file("its header claims " + std::to_string(length) + " bytes but the file has " +
                    std::to_string(size));
    }
    std::string json(length, '\0');
    file.read_at(kSafetensorsLengthBytes,
                 std::as_writable_bytes(std::span(json.data(), json.size())));
    SafetensorsHeader header;
    header.data_start = kSafetensorsLengthBytes + length;
    try {
        header.entries = parse(json, size - header.data_start);
    } catch (const InputError& defect) {
        refuse_file(defect.what());
    }
    return header;
}

}  // namespace hpml::checkpoint
