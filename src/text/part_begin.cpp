#include "text/part_begin.h"

#include <string>
#include <string_view>
#include <vector>

namespace hpml::text {

namespace {

constexpr std::size_t kBuffer = std::size_t{64} << 10;
constexpr std::string_view kPage = "<page>";
constexpr std::string_view kArticle = "<doc ";

/// A text file from a position, line by line without keeping the lines.
class LineScan {
  public:
    LineScan(const std::filesystem::path& path, std::uint64_t offset)
        : source_(open_plain(path, {offset, UINT64_MAX})), buffer_(kBuffer), base_(offset) {}

    /// Position of the next byte.
    [[nodiscard]] std::uint64_t position() const { return base_ + at_; }
    /// @return -1 at the end
    [[nodiscard]] int take() {
        if (at_ == end_) {
            base_ += end_;
            at_ = 0;
            end_ = source_->read(buffer_);
            if (end_ == 0) {
                return -1;
            }
        }
        return static_cast<unsigned char>(buffer_[at_++]);
    }

  private:
    std::unique_ptr<ByteSource> source_;
    std::vector<char> buffer_;
    std::uint64_t base_;
    std::size_t at_ = 0;
    std::size_t end_ = 0;
};

/// Where the first line begins that begins with `mark`, behind a line end.
std::uint64_t find_line(LineScan& scan, std::string_view mark) {
    for (int character = scan.take(); character >= 0;) {
        if (character != '\n') {
            character = scan.take();
            continue;
        }
        const std::uint64_t begin = scan.position();
        std::size_t matched = 0;
        for (character = scan.take(); matched < mark.size() && character == mark[matched];
             ++matched) {
            if (matched + 1 == mark.size()) {
                return begin;
            }
            character = scan.take();
        }
        if (mark.empty() && character >= 0) {
            return begin;
        }
    }
    return scan.position();
}

/// Where a line with text stands behind a blank one.
std::uint64_t find_paragraph(LineScan& scan) {
    bool is_blank = false;    // the line so far
    bool was_blank = false;   // the line before
    std::uint64_t begin = 0;  // of the line
    bool is_known = false;    // whether the line was seen from its begin
    for (;;) {
        const int character = scan.take();
        if (character < 0) {
            return scan.position();
        }
        if (character == '\n') {
            was_blank = is_known && is_blank;
            is_known = true;
            is_blank = true;
            begin = scan.position();
        } else if (std::string_view(" \t\r\v\f").find(static_cast<char>(character)) ==
                   std::string_view::npos) {
            if (is_known && is_blank && was_blank) {
                return begin;
            }
            is_blank = false;
        }
    }
}

/// Where the next <page> begins: a dump's text has its '<' escaped.
std::uint64_t find_page(LineScan& scan) {
    std::size_t matched = 0;
    for (int character = scan.take(); character >= 0; character = scan.take()) {
        matched = character == kPage[matched] ? matched + 1 : (character == '<' ? 1 : 0);
        if (matched == kPage.size()) {
            return scan.position() - kPage.size();
        }
    }
    return scan.position();
}

}  // namespace

std::uint64_t part_begin(const std::filesystem::path& path, DocumentFormat format,
                         std::uint64_t offset) {
    if (offset == 0) {
        return 0;
    }
    if (format == DocumentFormat::Dump) {
        LineScan scan(path, offset);
        return find_page(scan);
    }
    // The line end before `offset` tells whether a line begins there.
    LineScan scan(path, offset - 1);
    switch (format) {
        case DocumentFormat::WikiExtractor:
            return find_line(scan, kArticle);
        case DocumentFormat::PlainText:
            return find_paragraph(scan);
        default:
            return find_line(scan, "");
    }
}

}  // namespace hpml::text
