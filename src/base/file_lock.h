#pragma once

#include "base/file.h"

namespace hpml {

/// Impossible: the file system knows no locks, or the call failed otherwise; errno tells.
enum class FileLock { Ours, Held, Impossible };

/// Ask for the exclusive kernel lock of an open file, without waiting. It falls when the holder
/// ends, however it ends. An open-file-description lock: closing another descriptor of the file
/// does not drop it (fcntl(2), F_OFD_SETLK).
[[nodiscard]] FileLock try_lock(const FileHandle& handle);

}  // namespace hpml
