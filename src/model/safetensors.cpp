#include "model/safetensors.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <bit>
#include <numeric>
#include <span>

#include "base/error.h"
#include "base/json.h"

namespace hpml::model {

namespace {

static_assert(std::endian::native == std::endian::little, "safetensors files are little-endian");

using checkpoint::kSafetensorsLengthBytes;

std::span<std::byte> bytes_of(const at::Tensor& tensor) {
    return {static_cast<std::byte*>(tensor.data_ptr()), tensor.nbytes()};
}

const char* dtype_name(at::ScalarType type) {
    switch (type) {
        case at::kFloat:
            return "F32";
        case at::kBFloat16:
            return "BF16";
        default:
            expects(type == at::kLong, "tensors of float, bfloat16 or int64");
            return "I64";
    }
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
std::vector<std::size_t> in_file_order(const std::vector<TensorHead>& tensors) {
    std::vector<std::size_t> order(tensors.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        const auto left = at::elementSize(tensors[a].type);
        const auto right = at::elementSize(tensors[b].type);
        return left != right ? left > right : tensors[a].name < tensors[b].name;
    });
    return order;
}

std::vector<TensorHead> heads_of(const std::vector<NamedTensor>& tensors) {
    std::vector<TensorHead> heads;
    heads.reserve(tensors.size());
    for (const auto& [name, tensor] : tensors) {
        heads.push_back({name, tensor.scalar_type(), tensor.sizes().vec()});
    }
    return heads;
}

}  // namespace

at::ScalarType scalar_type_of(const SafetensorsFile::Entry& entry, const std::string& what) {
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

SafetensorsLayout safetensors_layout(const std::vector<TensorHead>& tensors) {
    SafetensorsLayout layout;
    layout.begin.resize(tensors.size());
    Json header;
    header["__metadata__"] = {{"format", "pt"}};
    std::uint64_t offset = 0;
    for (const std::size_t i : in_file_order(tensors)) {
        const TensorHead& item = tensors[i];
        expects(!header.contains(item.name), "tensor names that differ");
        std::uint64_t end = at::elementSize(item.type);
        for (const std::int64_t size : item.shape) {
            end *= static_cast<std::uint64_t>(size);
        }
        end += offset;
        header[item.name] = {{"dtype", dtype_name(item.type)},
                             {"shape", item.shape},
                             {"data_offsets", {offset, end}}};
        layout.begin[i] = offset;
        offset = end;
    }
    std::string text = header.dump();
    text.append(
        (kSafetensorsLengthBytes - text.size() % kSafetensorsLengthBytes) % kSafetensorsLengthBytes,
        ' ');
    const std::uint64_t length = text.size();
    layout.head.assign(reinterpret_cast<const char*>(&length), kSafetensorsLengthBytes);
    layout.head += text;
    for (std::uint64_t& begin : layout.begin) {
        begin += layout.head.size();
    }
    layout.bytes = layout.head.size() + offset;
    return layout;
}

void write_safetensors(AtomicFile& file, const std::vector<NamedTensor>& tensors) {
    const std::vector<TensorHead> heads = heads_of(tensors);
    file.write(safetensors_layout(heads).head);
    for (const std::size_t i : in_file_order(heads)) {
        const at::Tensor on_host = tensors[i].tensor.detach().cpu().contiguous();
        file.write(bytes_of(on_host));
    }
}

SafetensorsFile::SafetensorsFile(const std::filesystem::path& path)
    : file_(path), header_(checkpoint::read_safetensors_header(file_)) {}

const SafetensorsFile::Entry& SafetensorsFile::entry(const std::string& name,
                                                     at::IntArrayRef shape) const {
    const std::string what = file_.path().string() + ": tensor '" + name + "'";
    const auto found = header_.entries.find(name);
    if (found == header_.entries.end()) {
        throw InputError(what + " is not in the file");
    }
    if (shape != at::IntArrayRef(found->second.shape)) {
        throw InputError(what + " has shape " + shape_text(found->second.shape) + " but " +
                         shape_text(shape) + " is needed; is it another model's file?");
    }
    return found->second;
}

void SafetensorsFile::read_into(const std::string& name, const at::Tensor& into) const {
    const std::string what = file_.path().string() + ": tensor '" + name + "'";
    const Entry& entry = this->entry(name, into.sizes());
    const at::ScalarType type = scalar_type_of(entry, what);
    if ((type == at::kLong) != (into.scalar_type() == at::kLong)) {
        throw InputError(what + " has dtype " + entry.dtype + " but " +
                         dtype_name(into.scalar_type()) + " is needed");
    }
    const bool direct = into.is_cpu() && into.is_contiguous() && into.scalar_type() == type;
    const at::Tensor target = direct ? into : at::empty(entry.shape, type);
    file_.read_at(header_.data_start + entry.begin, bytes_of(target));
    if (!direct) {
        into.detach().copy_(target);
    }
}

}  // namespace hpml::model
