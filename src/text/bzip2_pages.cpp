#include <algorithm>
#include <cstring>
#include <string_view>

#include "text/bzip2_blocks.h"

namespace hpml::text {

namespace {

constexpr std::string_view kPage = "<page>";
constexpr std::string_view kEnd = "</mediawiki>";
constexpr std::size_t kBuffer = std::size_t{256} << 10;

class Bzip2Pages final : public ByteSource {
  public:
    Bzip2Pages(const std::filesystem::path& path, FilePart part)
        : ByteSource(path),
          blocks_(path, part),
          end_of_part_(part.end),
          buffer_(kBuffer + kEnd.size()),
          is_before_(part.begin > 0) {}

    [[nodiscard]] std::uint64_t offset() const override { return blocks_.begin(); }

    [[nodiscard]] std::size_t read(std::span<char> bytes) override {
        while (begin_ == ready_ && !is_done_) {
            advance();
            if (is_done_ && is_closed_) {
                std::ranges::copy(kEnd, buffer_.begin() + static_cast<std::ptrdiff_t>(ready_));
                ready_ += kEnd.size();
            }
        }
        const std::size_t taken = std::min(bytes.size(), ready_ - begin_);
        std::memcpy(bytes.data(), buffer_.data() + begin_, taken);
        begin_ += taken;
        return taken;
    }

  private:
    /// Unpack more, and see how much of it belongs to the part.
    void advance() {
        // What is held back may be the begin of a mark.
        std::memmove(buffer_.data(), buffer_.data() + ready_, filled_ - ready_);
        owned_ -= std::min(owned_, ready_);
        filled_ -= ready_;
        begin_ = ready_ = 0;
        if (!fill()) {
            is_done_ = true;
            is_closed_ = is_before_;
            ready_ = is_before_ ? 0 : filled_;
            return;
        }
        const std::string_view text(buffer_.data(), filled_);
        if (is_before_) {
            skip_to_page(text);
        } else if (owned_ == filled_) {
            ready_ = filled_;
        } else {
            give_up_to_page(text);
        }
    }

    /// The part begins at its first <page>.
    void skip_to_page(std::string_view text) {
        const std::size_t page = text.find(kPage);
        if (page != std::string_view::npos && page < owned_) {
            is_before_ = false;
            begin_ = ready_ = page;
        } else {
            begin_ = ready_ = filled_ - std::min(filled_, kPage.size() - 1);
            is_done_ = is_closed_ = ready_ >= owned_ && owned_ < filled_;
        }
    }

    /// The part ends at the first <page> that begins behind what is its own.
    void give_up_to_page(std::string_view text) {
        const std::size_t page = text.find(kPage, owned_);
        is_done_ = is_closed_ = page != std::string_view::npos;
        ready_ = is_done_ ? page : std::max(owned_, filled_ - std::min(filled_, kPage.size() - 1));
    }

    /// @return false at the end of the file
    [[nodiscard]] bool fill() {
        for (;;) {
            const std::size_t got = blocks_read();
            if (got > 0) {
                // Owned bytes come first: behind a block that is not the part's, none is.
                owned_ += is_owned_ ? got : 0;
                filled_ += got;
                return true;
            }
            has_block_ = blocks_.next();
            if (!has_block_) {
                return false;
            }
            is_owned_ = blocks_.begin() < end_of_part_;
        }
    }
    [[nodiscard]] std::size_t blocks_read() {
        return has_block_ ? blocks_.read(std::span(buffer_).first(kBuffer).subspan(filled_)) : 0;
    }

    Bzip2Blocks blocks_;
    std::uint64_t end_of_part_;
    std::vector<char> buffer_;
    std::size_t begin_ = 0;   ///< of what is ready and not yet handed out
    std::size_t ready_ = 0;   ///< end of that
    std::size_t filled_ = 0;  ///< end of what is unpacked
    std::size_t owned_ = 0;   ///< end of what stands in blocks of the part
    bool has_block_ = false;
    bool is_owned_ = false;  ///< the block is one of the part's
    bool is_before_;         ///< no <page> has come yet, and one is looked for
    bool is_done_ = false;
    bool is_closed_ = false;  ///< the part ends before the file's end: the end of the XML is added
};

}  // namespace

std::unique_ptr<ByteSource> open_bzip2_pages(const std::filesystem::path& path, FilePart part) {
    return std::make_unique<Bzip2Pages>(path, part);
}

}  // namespace hpml::text
