#include "text/line_reader.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace hpml::text {

namespace {

constexpr std::size_t kBuffer = std::size_t{1} << 20;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

}  // namespace

LineReader::LineReader(std::unique_ptr<ByteSource> source, std::size_t longest_line)
    : source_(std::move(source)), longest_line_(longest_line), buffer_(kBuffer) {
    if (fill() && ahead().starts_with(kByteOrderMark)) {
        at_ += kByteOrderMark.size();
    }
}

bool LineReader::fill() {
    at_ = 0;
    end_ = source_->read(buffer_);
    return end_ > 0;
}

std::string_view LineReader::ahead() const { return {buffer_.data() + at_, end_ - at_}; }

bool LineReader::next(std::string& line) {
    line.clear();
    is_cut_ = false;
    bool is_line = false;
    while (at_ < end_ || fill()) {
        is_line = true;
        const char* begin = buffer_.data() + at_;
        const auto* newline = static_cast<const char*>(std::memchr(begin, '\n', end_ - at_));
        const std::size_t length =
            newline == nullptr ? end_ - at_ : static_cast<std::size_t>(newline - begin);
        const std::size_t taken = std::min(length, longest_line_ - line.size());
        line.append(begin, taken);
        is_cut_ = is_cut_ || taken < length;
        at_ += length + (newline == nullptr ? 0 : 1);
        if (newline != nullptr) {
            break;
        }
    }
    if (is_line) {
        ++number_;
        if (!is_cut_ && line.ends_with('\r')) {
            line.pop_back();
        }
    }
    return is_line;
}

}  // namespace hpml::text
