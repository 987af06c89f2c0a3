#include "report/checkpoint_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <set>
#include <span>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/size_text.h"
#include "manifest/safetensors_header.h"
#include "manifest/verify.h"
#include "report/checkpoint_entry.h"
#include "report/results.h"

namespace hpml {

namespace fs = std::filesystem;

namespace {

using checkpoint::kManifestName;
using checkpoint::Manifest;

std::vector<fs::path> folders_of(const fs::path& path) {
    if (fs::exists(path / kManifestName)) {
        return {path};
    }
    std::vector<fs::path> folders;
    for (const auto& item : checkpoint::step_folders(path)) {
        folders.push_back(item.folder);
    }
    if (folders.empty()) {
        throw MissingInputError(path.string() +
                                " holds no checkpoint; give a run or a checkpoint's folder");
    }
    return folders;
}

void verify(const fs::path& folder) {
    checkpoint::verify_files(folder, checkpoint::read_manifest(folder));
}

using Entry = checkpoint::SafetensorsEntry;

struct TensorFile {
    explicit TensorFile(const fs::path& path)
        : bytes(path), header(checkpoint::read_safetensors_header(bytes)) {}

    /// Elements of a tensor from `first` on.
    template <class T>
    void read(const Entry& entry, std::uint64_t first, std::span<T> into) const {
        bytes.read_at(header.data_start + entry.begin + first * sizeof(T),
                      std::as_writable_bytes(into));
    }

    InputFile bytes;
    checkpoint::SafetensorsHeader header;
};

struct Difference {
    double largest = 0;
    std::uint64_t differing = 0;
    std::uint64_t elements = 0;
};

float widened(std::uint16_t half) {
    const std::uint32_t bits = static_cast<std::uint32_t>(half) << 16U;
    float value = 0;
    std::memcpy(&value, &bits, sizeof(value));
    return value;
}
double number(float value) { return value; }
double number(std::uint16_t value) { return widened(value); }
double number(std::int64_t value) { return static_cast<double>(value); }

template <class T>
Difference compare(const TensorFile& a, const Entry& of_a, const TensorFile& b, const Entry& of_b) {
    using Bits = std::array<std::byte, sizeof(T)>;  // so that NaN equals itself, and 0 not -0
    constexpr std::size_t kBlock = std::size_t{1} << 18U;
    Difference found;
    found.elements = of_a.bytes() / sizeof(T);
    std::vector<T> left(kBlock);
    std::vector<T> right(kBlock);
    for (std::uint64_t done = 0; done < found.elements; done += kBlock) {
        const std::size_t count = std::min<std::uint64_t>(kBlock, found.elements - done);
        a.read(of_a, done, std::span(left).first(count));
        b.read(of_b, done, std::span(right).first(count));
        for (std::size_t i = 0; i < count; ++i) {
            if (std::bit_cast<Bits>(left[i]) != std::bit_cast<Bits>(right[i])) {
                ++found.differing;
                const double gap = std::abs(number(left[i]) - number(right[i]));
                found.largest = std::max(found.largest, std::isnan(gap) ? INFINITY : gap);
            }
        }
    }
    return found;
}

Difference compare_tensor(const TensorFile& a, const Entry& of_a, const TensorFile& b,
                          const Entry& of_b) {
    if (of_a.dtype == "F32") {
        return compare<float>(a, of_a, b, of_b);
    }
    return of_a.dtype == "BF16" ? compare<std::uint16_t>(a, of_a, b, of_b)
                                : compare<std::int64_t>(a, of_a, b, of_b);
}

using Rows = std::vector<std::vector<std::string>>;

/// @return how many tensors are the same
std::size_t compare_files(const fs::path& a, const fs::path& b, Rows& rows) {
    if (!fs::exists(a) || !fs::exists(b)) {
        if (fs::exists(a) != fs::exists(b)) {
            rows.push_back({a.filename().string(), "-", "-", "only in one"});
        }
        return 0;
    }
    const TensorFile file_a(a);
    const TensorFile file_b(b);
    const auto& tensors_a = file_a.header.entries;
    const auto& tensors_b = file_b.header.entries;
    std::set<std::string> names;
    for (const auto* tensors : {&tensors_a, &tensors_b}) {
        for (const auto& [name, entry] : *tensors) {
            names.insert(name);
        }
    }
    std::size_t same = 0;
    for (const std::string& name : names) {
        const auto left = tensors_a.find(name);
        const auto right = tensors_b.find(name);
        if (left == tensors_a.end() || right == tensors_b.end()) {
            rows.push_back({name, "-", "-", left == tensors_a.end() ? "only in B" : "only in A"});
        } else if (left->second.dtype != right->second.dtype ||
                   left->second.bytes() != right->second.bytes()) {
            rows.push_back({name, "-", "-", "another type or shape"});
        } else {
            const auto found = compare_tensor(file_a, left->second, file_b, right->second);
            if (found.differing == 0) {
                ++same;
                continue;
            }
            rows.push_back({name, fmt::format("{:.3g}", found.largest),
                            std::to_string(found.differing), fmt::format("of {}", found.elements)});
        }
    }
    return same;
}

/// Members that differ, nested ones with a dot between.
void compare_members(const Json& a, const Json& b, const std::string& prefix, Rows& rows) {
    std::set<std::string> keys;
    for (const Json* side : {&a, &b}) {
        for (const auto& [key, value] : side->items()) {
            keys.insert(key);
        }
    }
    for (const std::string& key : keys) {
        const Json left = a.value(key, Json());
        const Json right = b.value(key, Json());
        if (left.is_object() && right.is_object()) {
            compare_members(left, right, prefix + key + ".", rows);
        } else if (left != right) {
            rows.push_back({prefix + key, left.is_null() ? "-" : left.dump(),
                            right.is_null() ? "-" : right.dump()});
        }
    }
}

}  // namespace

std::string checkpoints_text(const fs::path& run) {
    Rows rows = {{"checkpoint", "step", "size", "pieces", "state", "kept for good"}};
    for (const fs::path& folder : folders_of(run)) {
        const auto entry = checkpoint_entry(folder);
        if (!entry) {
            continue;
        }
        if (!entry->manifest) {
            rows.push_back({entry->name, "-", "-", "-", entry->state, "-"});
            continue;
        }
        const Manifest& manifest = *entry->manifest;
        std::size_t pieces = 0;
        for (const auto& file : manifest.files) {
            pieces += file.pieces.size();
        }
        rows.push_back({entry->name, std::to_string(manifest.step.value),
                        size_text(checkpoint::total_size(manifest)), std::to_string(pieces),
                        entry->state, manifest.milestone.empty() ? "-" : manifest.milestone});
    }
    return aligned_table(rows);
}

VerifiedText verified_text(const fs::path& run_or_checkpoint) {
    VerifiedText verified;
    for (const fs::path& folder : folders_of(run_or_checkpoint)) {
        try {
            verify(folder);
            verified.text += folder.filename().string() + ": valid\n";
        } catch (const Error& failure) {
            if (!fs::exists(folder)) {  // a run that goes on keeps its newest ones only
                verified.text += folder.filename().string() + ": removed meanwhile\n";
                continue;
            }
            verified.all_valid = false;
            verified.text += folder.filename().string() + ": " + failure.what() + "\n";
        }
    }
    return verified;
}

std::string difference_text(const fs::path& a, const fs::path& b) {
    verify(a);
    verify(b);
    std::string text;
    Rows settings = {{"key", "A", "B"}};
    if (fs::exists(a / "state.json") && fs::exists(b / "state.json")) {
        compare_members(read_json(a / "state.json"), read_json(b / "state.json"), "", settings);
    }
    if (settings.size() > 1) {
        text += aligned_table(settings) + "\n";
    }
    Rows rows = {{"tensor", "largest difference", "elements that differ", ""}};
    std::size_t same = 0;
    for (const char* name : {"model.safetensors", "optimizer.safetensors"}) {
        same += compare_files(a / name, b / name, rows);
    }
    if (rows.size() > 1) {
        text += aligned_table(rows) + "\n";
    }
    return text + fmt::format("{} tensors are the same to the last bit, {} are not\n", same,
                              rows.size() - 1);
}

}  // namespace hpml
