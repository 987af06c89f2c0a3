#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "checkpoint/file_image.h"

namespace hpml::checkpoint {

/// A stretch of a file that one worker writes.
struct PieceTask {
    std::size_t file = 0;
    Range range;
};

/// Hands out the bytes of pieces to the thread that writes them, straight from the memory in which
/// training has them: nothing changes there until the next update of the weights. Right before it
/// the training thread calls hold(), which copies what has not been read by then, and training goes
/// on. A save that is faster than the forward and backward passes of a step copies nothing, takes
/// no memory and stops nobody.
class PartReader {
  public:
    /// @param images  outlive this
    PartReader(const std::vector<FileImage>& images, const std::vector<PieceTask>& tasks);

    /// The next bytes of the piece in work, at most as many as fit `into`; of its start after the
    /// piece before is through. A piece that begins between two multiples of SharedFile::kAlignment
    /// has a short first block, so that the others begin at one.
    struct Block {
        std::size_t task = 0;
        std::uint64_t offset = 0;     ///< in its file
        std::size_t size = 0;         ///< 0: all pieces are through
        std::vector<Source> numbers;  ///< the parts of the block, as they lie in `into`
        bool ends_piece = false;
    };
    [[nodiscard]] Block next(std::span<std::byte> into);
    /// After this the memory of the images may change. Called by another thread.
    void hold();
    /// Nothing more will be read: copies are given back, and a hold() copies nothing and ends.
    void stop();
    /// Copied by hold() and not written yet.
    [[nodiscard]] std::uint64_t held_bytes() const;

  private:
    struct Item {
        PieceTask task;
        std::vector<Source> sources;
        std::unique_ptr<std::byte[]> copy;  ///< of what was not read when hold() came
        std::uint64_t copied = 0;
    };
    void copy_rest(Item& item, std::uint64_t position) const;

    mutable std::mutex mutex_;
    std::condition_variable is_through_;
    std::vector<Item> items_;
    std::size_t current_ = 0;
    std::uint64_t position_ = 0;  ///< bytes of the current piece that are read
    bool is_stopped_ = false;
};

}  // namespace hpml::checkpoint
