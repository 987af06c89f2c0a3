#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

#include "base/error.h"
#include "text/document_readers.h"

namespace hpml::text {

namespace {

constexpr std::size_t kBuffer = std::size_t{256} << 10;
constexpr std::size_t kMostColumns = 4096;
constexpr std::size_t kLongestName = 4096;

/// The column number that `field` gives, from 1; 0 if it is a name.
std::size_t column_number(const std::string& field) {
    std::size_t number = 0;
    const auto [end, failure] = std::from_chars(field.data(), field.data() + field.size(), number);
    return failure == std::errc() && end == field.data() + field.size() ? number : 0;
}

/// Records of RFC 4180: fields parted by commas, those with commas, quotes or line ends between
/// double quotes, a quote within doubled; LF or CR LF behind a record. Of a record the text's field
/// is kept only.
class CsvReader final : public DocumentReader {
  public:
    CsvReader(std::unique_ptr<ByteSource> source, std::string field)
        : source_(std::move(source)),
          buffer_(kBuffer),
          field_(std::move(field)),
          column_(column_number(field_)) {
        skip_byte_order_mark();
        if (column_ == 0) {
            read_header();
        }
    }

    [[nodiscard]] bool next(Document& document) override {
        document = {};
        skip_blank_lines();
        if (peek() < 0) {
            return false;
        }
        const std::int64_t line = line_;
        std::size_t columns = 0;
        for (bool is_last = false; !is_last;) {
            ++columns;
            is_last = columns == column_ ? read_field(&document.text, kLongestDocument)
                                         : read_field(nullptr, 0);
        }
        document.is_cut = std::exchange(is_cut_, false);
        if (columns < column_) {
            refuse(line, "the record has " + std::to_string(columns) + " columns (--field " +
                             field_ + " is column " + std::to_string(column_) +
                             "); give the right column, or mend the file");
        }
        if (!document.text.empty() && document.text.back() != '\n') {
            document.text.push_back('\n');
        }
        return true;
    }

  private:
    void read_header() {
        std::string names;
        std::string name;
        std::size_t columns = 0;
        for (bool is_last = peek() < 0; !is_last && columns < kMostColumns;) {
            name.clear();
            is_last = read_field(&name, kLongestName);
            ++columns;
            column_ = column_ == 0 && name == field_ ? columns : column_;
            names += names.empty() ? name : ", " + name;
        }
        is_cut_ = false;
        if (column_ == 0 && columns > 0) {
            refuse(1, "there is no column \"" + field_ + "\" (there are: " + names.substr(0, 200) +
                          "); name the one with the text by --field, or give its number if the "
                          "file has no header");
        }
    }

    /// Read a field and the comma or line end behind it. @return whether the record ends
    bool read_field(std::string* text, std::size_t most) {
        const auto put = [&](int character) {
            if (text != nullptr && text->size() < most) {
                text->push_back(static_cast<char>(character));
            } else if (text != nullptr) {
                is_cut_ = true;
            }
        };
        is_behind_quote_ = false;
        if (peek() == '"') {
            read_quoted(put);
        }
        for (;;) {
            const int character = take();
            if (character < 0 || character == ',' || character == '\n') {
                return character != ',';
            }
            if (character == '\r' && (peek() == '\n' || peek() < 0)) {
                continue;
            }
            if (is_behind_quote_) {
                refuse(line_,
                       "text stands behind a closing quote; double the quotes within a field");
            }
            put(character);
        }
    }

    template <class Put>
    void read_quoted(Put put) {
        const std::int64_t line = line_;
        (void)take();
        for (;;) {
            const int character = take();
            if (character < 0) {
                refuse(line, "the quote that begins in this line is never closed; mend the file");
            }
            if (character == '"') {
                if (peek() != '"') {
                    is_behind_quote_ = true;
                    return;
                }
                (void)take();
            }
            put(character);
        }
    }

    void skip_blank_lines() {
        while (peek() == '\n' || peek() == '\r') {
            (void)take();
        }
    }

    void skip_byte_order_mark() {
        constexpr std::string_view kMark = "\xEF\xBB\xBF";
        if (peek() >= 0 && std::string_view(buffer_.data(), end_).starts_with(kMark)) {
            at_ = kMark.size();
        }
    }

    [[nodiscard]] int peek() {
        if (at_ == end_) {
            at_ = 0;
            end_ = source_->read(buffer_);
            if (end_ == 0) {
                return -1;
            }
        }
        return static_cast<unsigned char>(buffer_[at_]);
    }
    int take() {
        const int character = peek();
        at_ += character < 0 ? 0 : 1;
        line_ += character == '\n' ? 1 : 0;
        return character;
    }
    [[noreturn]] void refuse(std::int64_t line, const std::string& what) const {
        throw InputError(source_->path().string() + ", line " + std::to_string(line) + ": " + what);
    }

    std::unique_ptr<ByteSource> source_;
    std::vector<char> buffer_;
    std::string field_;
    std::size_t column_;
    std::size_t at_ = 0;
    std::size_t end_ = 0;
    std::int64_t line_ = 1;
    bool is_cut_ = false;
    bool is_behind_quote_ = false;
};

}  // namespace

std::unique_ptr<DocumentReader> read_csv(std::unique_ptr<ByteSource> source,
                                         const std::string& field) {
    return std::make_unique<CsvReader>(std::move(source), field);
}

}  // namespace hpml::text
