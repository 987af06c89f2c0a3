#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "manifest/share.h"

namespace hpml::checkpoint {

/// Where a part of a tensor lies in the whole: a run of its elements in row-major order.
struct Place {
    std::vector<std::int64_t> shape;  ///< of the whole
    std::int64_t first = 0;           ///< element
};

/// A tensor of a checkpoint: all of it, or the part that this process holds of it.
struct TensorPart {
    std::string name;
    at::Tensor tensor;                ///< fp32, bf16 or int64; any device
    std::optional<Place> place = {};  ///< nothing: it is the whole tensor
};

/// Bytes of a file that stand in this process's memory.
struct Source {
    enum class Numbers { None, Float32, BFloat16 };
    std::span<const std::byte> bytes;
    Numbers numbers = Numbers::None;
    std::string_view name = {};  ///< of the tensor
};

/// A stretch of a file.
struct Range {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    [[nodiscard]] std::uint64_t size() const { return end - begin; }
};

/// A file of tensors whose bytes are known before it is written: which stretch of it stands where
/// in memory. Copies nothing but tensors that lie elsewhere than in this process's memory, or not
/// in one piece.
class FileImage {
  public:
    FileImage(std::string name, const std::vector<TensorPart>& tensors);
    ~FileImage() = default;
    FileImage(FileImage&&) = default;
    FileImage& operator=(FileImage&&) = default;
    FileImage(const FileImage&) = delete;  // the sources point into it
    FileImage& operator=(const FileImage&) = delete;

    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
    /// Whether other processes hold what is missing here.
    [[nodiscard]] bool is_in_parts() const { return is_in_parts_; }
    /// Where the file is cut into pieces: for a file that every process holds a function of its
    /// size alone. Of a file in parts: those that this process holds, the first worker also what is
    /// nobody's own.
    [[nodiscard]] std::vector<Range> pieces(Share share) const;
    /// The memory of a stretch that is wholly here, in order.
    [[nodiscard]] std::vector<Source> sources(Range range) const;

  private:
    struct Stretch {
        Range range;
        Source source;
        bool is_own = false;  ///< this process's part of a tensor that others hold parts of
    };
    std::string name_;
    std::string head_;
    std::vector<std::string> names_;
    std::vector<at::Tensor> keep_;
    std::vector<Stretch> stretches_;  ///< by place in the file
    std::uint64_t bytes_ = 0;
    bool is_in_parts_ = false;
};

/// How large the pieces of a file of this size are.
[[nodiscard]] std::uint64_t piece_size(std::uint64_t file_bytes);

}  // namespace hpml::checkpoint
