#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <span>
#include <vector>

#include "base/file.h"
#include "base/hash.h"
#include "base/philox.h"
#include "corpus/gathered_file.h"
#include "corpus/prepare_input.h"
#include "text/documents.h"
#include "text/sentences.h"
#include "text/tokenizer.h"

namespace hpml::corpus {

/// A document as token ids, with the number that decides its split.
struct PieceDocument {
    std::int64_t draw = 0;          ///< uniform in [0, 2^63), a hash of seed and text
    Digest text_hash;               ///< of the text, whatever the tokenizer and the seed
    std::vector<std::int32_t> ids;  ///< without special tokens, not empty
    /// Where sentences end in `ids`, rising to its size; empty if the piece was made without them.
    std::vector<std::int32_t> sentence_ends;

    friend bool operator==(const PieceDocument&, const PieceDocument&) = default;
};

/// The documents of all inputs, as tokens, in input order.
struct DocumentPieces {
    std::vector<std::filesystem::path> paths;
    std::vector<std::int64_t> documents;  ///< [paths] in each

    [[nodiscard]] std::int64_t total_documents() const;
};

/// What is known of a piece without reading it.
struct PieceSummary {
    std::int64_t documents = 0;
    std::int64_t empty_documents = 0;
    std::int64_t cut_documents = 0;
    text::DropCounts dropped{};
    std::int64_t least_draw = std::numeric_limits<std::int64_t>::max();
    std::int64_t greatest_draw = -1;
    Digest digest;  ///< of the piece's file
};

/// How an input file, or a part of one, becomes a piece.
struct PieceTask {
    InputEntry input;
    text::FilePart part;
    std::filesystem::path path;  ///< of the piece; its summary lies beside it, with ".json" added
    std::uint64_t seed = 0;
    Digest settings;
};

/// The summary of a finished, undamaged piece of the same task.
/// @return false if there is none
[[nodiscard]] bool find_piece(const PieceTask& task, PieceSummary& summary);
/// What makes tokens of a text.
struct PieceTools {
    const text::Tokenizer& tokenizer;
    const text::SentenceSplitter* splitter;  ///< null: sentences are not asked for
};
/// Tokenize the input and publish the piece, then its summary. Local.
/// @param file  the task's input
/// @param progress  called with the bytes of every document read
/// @throw what text::DocumentFile and AtomicFile throw
[[nodiscard]] PieceSummary make_piece(const PieceTask& task, const text::DocumentFile& file,
                                      const PieceTools& tools,
                                      const std::function<void(Bytes)>& progress);

/// 64 uniform bits that depend on the text, the seed and the use only.
[[nodiscard]] std::uint64_t document_draw(const Digest& text_hash, std::uint64_t seed,
                                          RandomUse use);

/// Append the document as it stands in a piece.
void pack_document(const PieceDocument& document, std::vector<std::byte>& bytes);

/// Writes a piece.
class PieceWriter {
  public:
    /// @throw OutputError
    explicit PieceWriter(const std::filesystem::path& path) : file_(path) {}
    /// @throw IoError
    void append(const PieceDocument& document);
    /// Documents as `pack_document` gives them. @throw IoError
    void append_packed(std::span<const std::byte> documents) { file_.write(documents); }
    /// @return the hash of the file @throw IoError
    [[nodiscard]] Digest publish(Sync sync = Sync::Disk) { return file_.publish(sync); }

  private:
    GatheredFile file_;
    std::vector<std::byte> packed_;
};

/// The documents of a piece, front to back in bounded memory.
class PieceReader {
  public:
    /// @throw MissingInputError
    explicit PieceReader(const std::filesystem::path& path);
    /// @return false at the end @throw InputError if the piece is cut short; IoError
    [[nodiscard]] bool next(PieceDocument& document);
    /// The same of what decides whether it is wanted, its draw and hash. What is not read then by
    /// `read_content` is passed over, on the disk, too, if it is long.
    [[nodiscard]] bool next_unread(PieceDocument& document);
    void read_content(PieceDocument& document);

  private:
    /// Of the document whose content is not read yet.
    struct Content {
        std::size_t ids = 0;
        std::size_t sentences = 0;
        std::size_t id_bytes = 0;
    };

    [[nodiscard]] bool read(std::span<std::byte> bytes);
    [[nodiscard]] bool read_ids(bool is_narrow, std::span<std::int32_t> ids);
    void skip(std::uint64_t bytes);
    [[noreturn]] void refuse() const;

    InputFile file_;
    std::uint64_t left_;  ///< bytes of the file behind the buffer
    std::vector<std::byte> buffer_;
    std::vector<std::uint16_t> narrow_;
    std::size_t most_;  ///< to be read at once: little after a jump, then more and more
    std::size_t at_ = 0;
    std::size_t end_ = 0;
    Content unread_;
};

}  // namespace hpml::corpus
