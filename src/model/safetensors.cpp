#include "model/safetensors.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <bit>
#include <span>

#include "base/error.h"
#include "base/json.h"
#include "model/safetensors_header.h"

namespace hpml::model {

namespace {

static_assert(std::endian::native == std::endian::little, "safetensors files are little-endian");

constexpr std::uint64_t kLengthBytes = 8;
constexpr std::uint64_t kMaxHeaderBytes = 100'000'000;  // the reference implementation's limit

std::span<std::byte> bytes_of(const at::Tensor& tensor) {
    return {static_cast<std::byte*>(tensor.data_ptr()), tensor.nbytes()};
}

const char* dtype_name(at::ScalarType type) {
    expects(type == at::kFloat || type == at::kLong, "tensors of float or int64");
    return type == at::kFloat ? "F32" : "I64";
}

at::ScalarType scalar_type(const SafetensorsFile::Entry& entry, const std::string& what) {
    if (entry.dtype == "F32") {
        return at::kFloat;
    }
    if (entry.dtype == "I64") {
        return at::kLong;
    }
    if (entry.dtype == "F16") {
        return at::kHalf;
    }
    if (entry.dtype == "BF16") {
        return at::kBFloat16;
    }
    throw InputError(what + " has dtype " + entry.dtype + " (F32, F16, BF16 or I64 can be read)");
}

std::string shape_text(at::IntArrayRef shape) {
    std::string text = "[";
    for (std::size_t i = 0; i < shape.size(); ++i) {
        text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
    }
    return text + "]";
}

/// Wider elements first, then by name, as the reference implementation does: every tensor is
/// aligned to its element.
std::vector<const NamedTensor*> in_file_order(const std::vector<NamedTensor>& tensors) {
    std::vector<const NamedTensor*> order;
    order.reserve(tensors.size());
    for (const NamedTensor& tensor : tensors) {
        order.push_back(&tensor);
    }
    std::sort(order.begin(), order.end(), [](const NamedTensor* a, const NamedTensor* b) {
        const auto left = a->tensor.element_size();
        const auto right = b->tensor.element_size();
        return left != right ? left > right : a->name < b->name;
    });
    return order;
}

std::string header_text(const std::vector<const NamedTensor*>& order) {
    Json header;
    header["__metadata__"] = {{"format", "pt"}};
    std::uint64_t offset = 0;
    for (const NamedTensor* item : order) {
        expects(!header.contains(item->name), "tensor names that differ");
        const std::uint64_t end = offset + item->tensor.nbytes();
        header[item->name] = {{"dtype", dtype_name(item->tensor.scalar_type())},
                              {"shape", item->tensor.sizes().vec()},
                              {"data_offsets", {offset, end}}};
        offset = end;
    }
    std::string text = header.dump();
    text.append((kLengthBytes - text.size() % kLengthBytes) % kLengthBytes, ' ');
    return text;
}

}  // namespace

void write_safetensors(AtomicFile& file, const std::vector<NamedTensor>& tensors) {
    const std::vector<const NamedTensor*> order = in_file_order(tensors);
    const std::string header = header_text(order);
    const std::uint64_t length = header.size();
    file.write(std::as_bytes(std::span(&length, 1)));
    file.write(header);
    for (const NamedTensor* item : order) {
        const at::Tensor on_host = item->tensor.detach().cpu().contiguous();
        file.write(bytes_of(on_host));
    }
}

SafetensorsFile::SafetensorsFile(const std::filesystem::path& path) : file_(path) {
    const std::string name = path.string();
    const auto refuse = [&](const std::string& defect) {
        throw InputError(name + " is not a usable safetensors file: " + defect);
    };
    const std::uint64_t size = file_.size().value;
    if (size < kLengthBytes) {
        refuse("it has " + std::to_string(size) + " bytes");
    }
    std::uint64_t length = 0;
    file_.read_at(0, std::as_writable_bytes(std::span(&length, 1)));
    if (length > kMaxHeaderBytes) {
        refuse("its header claims " + std::to_string(length) + " bytes (at most " +
               std::to_string(kMaxHeaderBytes) + ")");
    }
    if (length > size - kLengthBytes) {
        refuse("its header claims " + std::to_string(length) + " bytes but the file has " +
               std::to_string(size));
    }
    std::string header(length, '\0');
    file_.read_at(kLengthBytes, std::as_writable_bytes(std::span(header.data(), header.size())));
    data_start_ = kLengthBytes + length;
    entries_ = parse_safetensors_header(header, name, size - data_start_);
}

void SafetensorsFile::read_into(const std::string& name, const at::Tensor& into) const {
    const std::string what = file_.path().string() + ": tensor '" + name + "'";
    const auto found = entries_.find(name);
    if (found == entries_.end()) {
        throw InputError(what + " is not in the file");
    }
    const Entry& entry = found->second;
    if (into.sizes() != at::IntArrayRef(entry.shape)) {
        throw InputError(what + " has shape " + shape_text(entry.shape) + " but " +
                         shape_text(into.sizes()) + " is needed; is it another model's file?");
    }
    const at::ScalarType type = scalar_type(entry, what);
    if ((type == at::kLong) != (into.scalar_type() == at::kLong)) {
        throw InputError(what + " has dtype " + entry.dtype + " but " +
                         dtype_name(into.scalar_type()) + " is needed");
    }
    const bool direct = into.is_cpu() && into.is_contiguous() && into.scalar_type() == type;
    const at::Tensor target = direct ? into : at::empty(entry.shape, type);
    file_.read_at(data_start_ + entry.begin, bytes_of(target));
    if (!direct) {
        into.detach().copy_(target);
    }
}

}  // namespace hpml::model
