#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/hash.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/file_image.h"
#include "checkpoint/part_reader.h"

namespace hpml::checkpoint {

/// Share of a checkpoint's size that must be free beyond it before a save begins.
inline constexpr double kSpaceToSpare = 0.2;

/// One checkpoint being written by several processes, each a share of its bytes, under
/// `RUN/checkpoints/.tmp-<generation>-<step>`; MANIFEST.json last, then the rename: publish by
/// rename, trust by manifest. Every process makes one, with the same contents (or its own parts of
/// tensors). The order of the calls:
///
///     first process: prepare()                  then, told so:
///     every process: write_part()               in whichever thread
///     every process: hold()                     before the tensors change, by the training thread
///     first process: publish() with all reports or discard()  when all have written
class Save {
  public:
    Save(const std::filesystem::path& run, std::int64_t generation, Contents contents, Share share);
    /// Into a folder of this name, by one process; only seal() is for it, no publish().
    Save(std::filesystem::path temporary, Contents contents);

    [[nodiscard]] Step step() const { return contents_.step; }

    /// Make the temporary folder. @throw IoError if the disk has too little space
    void prepare() const;
    /// Write, hash and sync this process's share, and look that every number in it is finite.
    /// @throw IoError; DivergedError naming a tensor that holds NaN or infinity
    void write_part();
    /// After this the tensors may change; returns at once if they have been written.
    void hold() { reader_.hold(); }
    /// What write_part() wrote, for seal() and publish().
    [[nodiscard]] std::string report() const;

    /// Write the small files and the manifest. @param reports  of all shares
    [[nodiscard]] Manifest seal(const std::vector<std::string>& reports) const;
    /// seal(), and give the folder its name. A checkpoint of the same step is exchanged in one
    /// operation where the file system can do that.
    /// @param before_publish  called right before the rename; what it throws leaves everything as
    ///        it was
    /// @throw IoError; the older checkpoints stay. The temporary folder is gone either way.
    Checkpoint publish(const std::vector<std::string>& reports,
                       const std::function<void()>& before_publish = {}) const;
    /// Remove the temporary folder, after a part has failed.
    void discard() const noexcept;
    [[nodiscard]] const std::filesystem::path& temporary() const { return temporary_; }

  private:
    struct Written {
        PieceTask task;
        Digest digest;
    };
    void give_name() const;

    std::filesystem::path run_;
    std::filesystem::path temporary_;
    std::int64_t generation_ = 0;
    Contents contents_;
    Share share_;
    std::vector<FileImage> images_;
    std::vector<PieceTask> tasks_;  ///< of this share
    PartReader reader_;
    std::vector<Written> written_;
};

}  // namespace hpml::checkpoint
