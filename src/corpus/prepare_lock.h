#pragma once

#include <filesystem>

#include "base/file.h"

namespace hpml::corpus {

/// The right of one hpml_prepare to write in an output folder: a kernel lock on its prepare.lock,
/// which falls when the holder ends, however it ends. Rank 0 holds it for all.
class PrepareLock {
  public:
    /// @param output  an existing folder
    /// @throw OutputError naming the holder while there is one, or if the file cannot be made
    explicit PrepareLock(const std::filesystem::path& output);
    /// Empties the file. It stays: removing it could take it from under the next one.
    ~PrepareLock();
    PrepareLock(const PrepareLock&) = delete;
    PrepareLock& operator=(const PrepareLock&) = delete;
    PrepareLock(PrepareLock&&) = delete;
    PrepareLock& operator=(PrepareLock&&) = delete;

    /// False where the file system knows no locks, so that nobody is kept out.
    [[nodiscard]] bool guards() const noexcept { return guards_; }
    /// Remove the temporary files that killed runs have left in a folder, of the output or in it:
    /// while the lock guards, no file of that kind has a living writer.
    /// @return how many
    [[nodiscard]] int remove_leftovers(const std::filesystem::path& folder) const;

  private:
    void write_holder();

    std::filesystem::path output_;
    FileHandle handle_;
    bool guards_ = true;
};

}  // namespace hpml::corpus
