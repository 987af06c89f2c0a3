#include "text/documents.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/file.h"
#include "text/bzip2_blocks.h"
#include "text/document_readers.h"
#include "text/part_begin.h"

namespace hpml::text {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kHead = std::size_t{4} << 10;

/// What is certainly not text is refused by its first bytes, with the remedy.
void check_is_text(std::string_view head, const fs::path& path) {
    constexpr std::pair<std::string_view, const char*> kOthers[] = {
        {"\xFD"
         "7zXZ",
         "xz"},
        {"\x28\xB5\x2F\xFD", "Zstandard"},
        {"7z\xBC\xAF\x27\x1C", "7-zip"},
        {"PK\x03\x04", "zip"},
        {"\x89HDF", "HDF5"},
        {"\x1F\x8B", "doubly packed"},
        {"BZh", "doubly packed"}};
    for (const auto& [magic, name] : kOthers) {
        if (head.starts_with(magic)) {
            throw InputError(path.string() + " is a " + name +
                             " file (text is needed, plain or packed by gzip or bzip2); unpack it "
                             "first");
        }
    }
}

/// The first bytes of what a file holds, unpacked.
std::string read_head(const fs::path& path) {
    const auto source = open_bytes(path);
    std::string head(kHead, '\0');
    std::size_t size = 0;
    for (std::size_t got = 1; got > 0 && size < head.size(); size += got) {
        got = source->read(std::span(head).subspan(size));
    }
    head.resize(size);
    return head;
}

bool is_csv(fs::path path) {
    if (path.extension() == ".gz" || path.extension() == ".bz2") {
        path.replace_extension();
    }
    return path.extension() == ".csv";
}

/// "{" and a quote: the begin of a JSON object with a member.
bool is_json(std::string_view text) {
    if (!text.starts_with('{')) {
        return false;
    }
    const std::size_t next = text.find_first_not_of(" \t", 1);
    return next != std::string_view::npos && text[next] == '"';
}

DocumentFormat detect(std::string_view head, const fs::path& path) {
    if (head.starts_with("\xEF\xBB\xBF")) {
        head.remove_prefix(3);
    }
    head.remove_prefix(std::min(head.find_first_not_of(" \t\r\n"), head.size()));
    if (head.starts_with("<doc ")) {
        return DocumentFormat::WikiExtractor;
    }
    if (head.starts_with("<mediawiki") || head.starts_with("<?xml")) {
        return DocumentFormat::Dump;
    }
    if (is_json(head)) {
        return DocumentFormat::JsonLines;
    }
    return is_csv(path) ? DocumentFormat::Csv : DocumentFormat::PlainText;
}

}  // namespace

const char* format_name(DocumentFormat format) {
    switch (format) {
        case DocumentFormat::WikiExtractor:
            return "wikiextractor";
        case DocumentFormat::PlainText:
            return "text";
        case DocumentFormat::Lines:
            return "lines";
        case DocumentFormat::JsonLines:
            return "jsonl";
        case DocumentFormat::Csv:
            return "csv";
        case DocumentFormat::Dump:
            return "dump";
        case DocumentFormat::Auto:
            break;
    }
    return "auto";
}

const char* drop_name(Drop reason) {
    switch (reason) {
        case Drop::Redirect:
            return "redirects";
        case Drop::OtherNamespace:
            return "pages outside the main namespace";
        case Drop::OtherModel:
            return "pages that are no wikitext";
        case Drop::NoRevision:
            break;
    }
    return "pages without a revision's text";
}

DocumentFile::DocumentFile(fs::path path, DocumentOptions options)
    : path_(std::move(path)),
      options_(std::move(options)),
      compression_(compression_of(path_)),
      size_(InputFile(path_).size().value) {
    const std::string head = read_head(path_);
    check_is_text(head, path_);
    if (options_.format == DocumentFormat::Auto) {
        options_.format = detect(head, path_);
    }
    if (options_.format == DocumentFormat::Dump) {
        site_ = DumpPages::read_site(open_bytes(path_));
    }
}

bool DocumentFile::has_parts() const {
    if (options_.format == DocumentFormat::Csv) {
        return false;
    }
    return compression_ == Compression::None ||
           (compression_ == Compression::Bzip2 && options_.format == DocumentFormat::Dump);
}

std::unique_ptr<DocumentReader> DocumentFile::open() const {
    return open(open_bytes(path_), true, true);
}

std::unique_ptr<DocumentReader> DocumentFile::open(FilePart part) const {
    if (part.begin == 0 && part.end >= size_) {
        return open();
    }
    expects(has_parts(), "a file that has parts");
    if (compression_ == Compression::Bzip2) {
        return open(open_bzip2_pages(path_, part), part.begin == 0, true);
    }
    const auto begin_of = [&](std::uint64_t offset) {
        return offset >= size_ ? size_ : part_begin(path_, options_.format, offset);
    };
    const std::uint64_t begin = begin_of(part.begin);
    const std::uint64_t end = begin_of(part.end);
    return open(open_plain(path_, {begin, end}), begin == 0, end >= size_ && begin < end);
}

std::unique_ptr<DocumentReader> DocumentFile::open(std::unique_ptr<ByteSource> source,
                                                   bool begins_file, bool ends_file) const {
    if (options_.format == DocumentFormat::Dump) {
        return read_dump(DumpPages(std::move(source), {begins_file, ends_file}), site_);
    }
    if (options_.format == DocumentFormat::Csv) {
        return read_csv(std::move(source), options_.field);
    }
    LineReader lines(std::move(source), kLongestDocument);
    switch (options_.format) {
        case DocumentFormat::WikiExtractor:
            return read_wikiextractor(std::move(lines));
        case DocumentFormat::Lines:
            return read_lines(std::move(lines));
        case DocumentFormat::JsonLines:
            return read_json_lines(std::move(lines), options_.field);
        default:
            return read_plain_text(std::move(lines));
    }
}

}  // namespace hpml::text
