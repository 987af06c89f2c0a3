#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "text/byte_source.h"
#include "text/wikitext/site.h"

namespace hpml::text {

/// How documents stand in a file.
enum class DocumentFormat {
    Auto,           ///< by the file's first bytes; CSV by its name
    WikiExtractor,  ///< <doc id= url= title=>, the title, the text, </doc>
    PlainText,      ///< documents separated by blank lines
    Lines,          ///< one document a line
    JsonLines,      ///< one object a line, its text in one member
    Csv,            ///< RFC 4180, the text in one column
    Dump,           ///< MediaWiki's XML export: the articles, cleaned of wikitext
};

/// The word for a format in options, settings and messages.
[[nodiscard]] const char* format_name(DocumentFormat format);

struct DocumentOptions {
    DocumentFormat format = DocumentFormat::Auto;
    std::string field = "text";  ///< JSON lines: the member; CSV: the column, by name or number
};

/// Bytes of a document that are read; the rest of a longer one is left out and counted.
constexpr std::size_t kLongestDocument = std::size_t{16} << 20;

struct Document {
    std::string text;     ///< without the title; lines end in LF; empty if there is only a title
    bool is_cut = false;  ///< longer than kLongestDocument
};

/// Why a page of a dump is no document.
enum class Drop : std::size_t { Redirect, OtherNamespace, OtherModel, NoRevision };
constexpr std::size_t kDrops = 4;
/// How many pages were dropped, by reason.
using DropCounts = std::array<std::int64_t, kDrops>;
/// "redirects", "pages outside the main namespace", ...
[[nodiscard]] const char* drop_name(Drop reason);

/// The documents of one file, in order and in bounded memory.
class DocumentReader {
  public:
    virtual ~DocumentReader() = default;
    /// Replace `document` by the next one. @return false at the end of the file
    /// @throw InputError naming file and line for what is not in the format; IoError
    [[nodiscard]] virtual bool next(Document& document) = 0;
    /// What has been dropped so far.
    [[nodiscard]] virtual DropCounts dropped() const { return {}; }

  protected:
    DocumentReader() = default;
    DocumentReader(const DocumentReader&) = default;
    DocumentReader& operator=(const DocumentReader&) = default;
    DocumentReader(DocumentReader&&) = default;
    DocumentReader& operator=(DocumentReader&&) = default;
};

/// A file of documents, looked at once: packing, format, and of a dump the wiki's namespaces. Plain
/// files and bzip2 dumps can be read in parts: the parts [0, a), [a, b), [b, size) give the same
/// documents in the same order as the whole, whatever a and b are.
class DocumentFile {
  public:
    /// @throw MissingInputError; InputError for what is packed otherwise than gzip or bzip2, or is
    /// damaged at its begin
    DocumentFile(std::filesystem::path path, DocumentOptions options);

    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
    [[nodiscard]] DocumentFormat format() const noexcept { return options_.format; }
    [[nodiscard]] bool has_parts() const;
    [[nodiscard]] bool is_packed() const noexcept { return compression_ != Compression::None; }
    /// The documents of the whole file, or those that begin in a part of it. The reader must not
    /// outlive this object.
    [[nodiscard]] std::unique_ptr<DocumentReader> open() const;
    [[nodiscard]] std::unique_ptr<DocumentReader> open(FilePart part) const;

  private:
    [[nodiscard]] std::unique_ptr<DocumentReader> open(std::unique_ptr<ByteSource> source,
                                                       bool begins_file, bool ends_file) const;

    std::filesystem::path path_;
    DocumentOptions options_;
    Compression compression_;
    WikiSite site_;
    std::uint64_t size_ = 0;  ///< of the file on disk
};

}  // namespace hpml::text
