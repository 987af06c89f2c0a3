#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "text/byte_source.h"

namespace hpml::text {

/// Lines of a text file in bounded memory. LF and CR LF end a line; a byte order mark at the front
/// is skipped.
class LineReader {
  public:
    /// @param longest_line  bytes; the rest of a longer line is skipped and `is_cut()` tells of it
    /// @throw what the source's first read throws
    LineReader(std::unique_ptr<ByteSource> source, std::size_t longest_line);

    /// Replace `line` by the next one without its end. @return false at the end of the file
    /// @throw what the source's `read` throws
    [[nodiscard]] bool next(std::string& line);
    /// Whether the line that `next` gave last was cut.
    [[nodiscard]] bool is_cut() const noexcept { return is_cut_; }
    /// Number of that line, from 1.
    [[nodiscard]] std::int64_t number() const noexcept { return number_; }
    /// The bytes that `next` would read first: up to one buffer, for a look at the file's format.
    [[nodiscard]] std::string_view ahead() const;
    [[nodiscard]] const std::filesystem::path& path() const noexcept { return source_->path(); }

  private:
    [[nodiscard]] bool fill();

    std::unique_ptr<ByteSource> source_;
    std::size_t longest_line_;
    std::vector<char> buffer_;
    std::size_t at_ = 0;
    std::size_t end_ = 0;
    std::int64_t number_ = 0;
    bool is_cut_ = false;
};

}  // namespace hpml::text
