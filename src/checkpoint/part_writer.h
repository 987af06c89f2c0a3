#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <vector>

#include "base/hash.h"
#include "checkpoint/part_reader.h"
#include "checkpoint/shared_file.h"

namespace hpml::checkpoint {

/// Writes pieces of files that other processes write too.
class PartWriter {
  public:
    /// @param images  outlive this; give the files' names
    PartWriter(const std::filesystem::path& folder, const std::vector<FileImage>& images);

    /// Write all pieces that `reader` hands out to their places, and sync.
    /// @param at_piece  called after each piece
    /// @return the hash of every task
    /// @throw IoError; DivergedError naming a tensor that holds NaN or infinity
    std::vector<Digest> write(PartReader& reader, const std::vector<PieceTask>& tasks,
                              const std::function<void()>& at_piece);

  private:
    struct Output {
        std::filesystem::path path;
        std::unique_ptr<SharedFile> file;  ///< made when its first piece comes
    };
    [[nodiscard]] SharedFile& file(std::size_t index);

    std::vector<Output> outputs_;
};

}  // namespace hpml::checkpoint
