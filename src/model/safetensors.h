#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/file.h"

namespace hpml::model {

struct NamedTensor {
    std::string name;
    at::Tensor tensor;  ///< fp32 (or int64), any device; made contiguous on the CPU when written
};

/// Write tensors in safetensors form (https://github.com/huggingface/safetensors, format documented
/// in its README): names sorted, no gap, metadata {"format": "pt"}. Deterministic bytes.
/// @throw IoError; the file is not published here
void write_safetensors(AtomicFile& file, const std::vector<NamedTensor>& tensors);

/// A safetensors file open for reading. Everything in the header is checked before any memory is
/// taken: length, JSON, names, dtypes, shapes times element size, offsets without overlap, gap or
/// overrun.
class SafetensorsFile {
  public:
    struct Entry {
        std::string dtype;  ///< "F32", "I64", ...
        std::vector<std::int64_t> shape;
        std::uint64_t begin = 0;  ///< bytes from the start of the data
        std::uint64_t end = 0;
    };

    /// @throw MissingInputError, InputError naming the defect
    explicit SafetensorsFile(const std::filesystem::path& path);

    [[nodiscard]] const std::map<std::string, Entry>& entries() const { return entries_; }
    /// Copy one tensor into `into` (fp32 or int64, contiguous in shape; F16/BF16 are widened).
    /// @throw InputError if it is absent or has another shape, naming both
    void read_into(const std::string& name, const at::Tensor& into) const;

  private:
    InputFile file_;
    std::uint64_t data_start_ = 0;
    std::map<std::string, Entry> entries_;
};

}  // namespace hpml::model
