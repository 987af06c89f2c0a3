#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/file.h"
#include "manifest/safetensors_header.h"

namespace hpml::model {

struct NamedTensor {
    std::string name;
    at::Tensor
        tensor;  ///< fp32 (or bf16, int64), any device; made contiguous on the CPU when written
};

/// A tensor as the header of a file describes it.
struct TensorHead {
    std::string name;
    at::ScalarType type = at::kFloat;  ///< fp32, bf16 or int64
    std::vector<std::int64_t> shape;
};

/// Where everything lies in a file, which follows from names, types and shapes alone: several
/// processes can write one file without a word.
struct SafetensorsLayout {
    std::string head;  ///< the first bytes: the header and its length
    std::vector<std::uint64_t>
        begin;                ///< of every tensor, in the order given, from the file's start
    std::uint64_t bytes = 0;  ///< of the whole file
};
[[nodiscard]] SafetensorsLayout safetensors_layout(const std::vector<TensorHead>& tensors);

/// Write tensors in safetensors form (https://github.com/huggingface/safetensors, format documented
/// in its README): names sorted, no gap, metadata {"format": "pt"}. Deterministic bytes.
/// @throw IoError; the file is not published here
void write_safetensors(AtomicFile& file, const std::vector<NamedTensor>& tensors);

/// A safetensors file open for reading.
class SafetensorsFile {
  public:
    using Entry = checkpoint::SafetensorsEntry;

    /// @throw MissingInputError, InputError naming the defect
    explicit SafetensorsFile(const std::filesystem::path& path);

    [[nodiscard]] const std::map<std::string, Entry>& entries() const { return header_.entries; }
    /// The tensor of this name and shape. @throw InputError if it is absent or has another shape,
    /// naming both
    [[nodiscard]] const Entry& entry(const std::string& name, at::IntArrayRef shape) const;
    /// Of the data, from the start of the file.
    [[nodiscard]] std::uint64_t data_start() const { return header_.data_start; }
    /// Copy one tensor into `into` (fp32 or int64, contiguous in shape; F16/BF16 are widened).
    /// @throw InputError if it is absent or has another shape, naming both
    void read_into(const std::string& name, const at::Tensor& into) const;

  private:
    InputFile file_;
    checkpoint::SafetensorsHeader header_;
};

/// Of an entry's dtype name. @throw InputError for one that cannot be read
[[nodiscard]] at::ScalarType scalar_type_of(const SafetensorsFile::Entry& entry,
                                            const std::string& what);

}  // namespace hpml::model
