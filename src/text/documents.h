#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

namespace hpml::text {

/// How documents stand in a file.
enum class DocumentFormat {
    Auto,           ///< WikiExtractor if the file begins with "<doc ", else plain text
    WikiExtractor,  ///< <doc id= url= title=>, the title, the text, </doc>
    PlainText,      ///< documents separated by blank lines
};

/// Bytes of a document that are read; the rest of a longer one is left out and counted.
constexpr std::size_t kLongestDocument = std::size_t{16} << 20;

struct Document {
    std::string text;     ///< without the title; lines end in LF; empty if there is only a title
    bool is_cut = false;  ///< longer than kLongestDocument
};

/// The documents of one file, in order and in bounded memory.
class DocumentReader {
  public:
    virtual ~DocumentReader() = default;
    /// Replace `document` by the next one. @return false at the end of the file
    /// @throw InputError naming file and line for what is not in the format; IoError
    [[nodiscard]] virtual bool next(Document& document) = 0;

  protected:
    DocumentReader() = default;
    DocumentReader(const DocumentReader&) = default;
    DocumentReader& operator=(const DocumentReader&) = default;
    DocumentReader(DocumentReader&&) = default;
    DocumentReader& operator=(DocumentReader&&) = default;
};

/// @throw MissingInputError; InputError for a compressed or XML file, which must be unpacked or
/// extracted first
[[nodiscard]] std::unique_ptr<DocumentReader> open_documents(const std::filesystem::path& path,
                                                             DocumentFormat format);

}  // namespace hpml::text
