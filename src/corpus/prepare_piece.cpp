#include "corpus/prepare_piece.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <numeric>
#include <utility>

#include "base/error.h"
#include "base/json.h"

namespace hpml::corpus {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kBuffer = std::size_t{1} << 20;
constexpr std::size_t kAfterJump = 4096;

/// What stands before the ids of a document. Pieces are scratch of one machine: host byte order.
struct PieceHeader {
    std::int64_t draw = 0;
    Digest text_hash;
    std::int64_t ids = 0;
    std::int64_t sentences = 0;
    std::int64_t id_bytes = 0;  ///< 2 if all ids of the document fit, else 4
};

std::int64_t split_draw(const Digest& text_hash, std::uint64_t seed) {
    return static_cast<std::int64_t>(document_draw(text_hash, seed, RandomUse::Split) >> 1);
}

/// Tokens of texts, sentence by sentence where that is asked for: a sentence's blanks at its end
/// are tokenized with the next one, to which a byte-level tokenizer gives them.
class Encoder {
  public:
    explicit Encoder(const PieceTools& tools) : tools_(tools) {}

    void encode(std::string_view text, PieceDocument& document) {
        document.ids.clear();
        document.sentence_ends.clear();
        if (tools_.splitter == nullptr) {
            tools_.tokenizer.encode(text, document.ids);
            return;
        }
        tools_.splitter->split(text, ends_);
        std::size_t begin = 0;
        for (const std::uint32_t full_end : ends_) {
            std::size_t end = full_end;
            while (end > begin && end < text.size() && is_blank(text[end - 1])) {
                --end;
            }
            const std::size_t before = document.ids.size();
            tools_.tokenizer.encode(text.substr(begin, end - begin), document.ids);
            if (document.ids.size() > before) {
                document.sentence_ends.push_back(static_cast<std::int32_t>(document.ids.size()));
            }
            begin = end;
        }
    }

  private:
    static bool is_blank(char letter) {
        return letter == ' ' || letter == '\n' || letter == '\t' || letter == '\r';
    }

    PieceTools tools_;
    std::vector<std::uint32_t> ends_;
};

fs::path summary_path(const PieceTask& task) { return task.path.string() + ".json"; }

void write_summary(const PieceTask& task, const PieceSummary& summary) {
    write_json(summary_path(task), Json{{"settings", task.settings.hex()},
                                        {"input", hash_text(task.input.name).hex()},
                                        {"input_bytes", task.input.size.value},
                                        {"input_begin", task.part.begin},
                                        {"input_end", task.part.end},
                                        {"dropped", summary.dropped},
                                        {"documents", summary.documents},
                                        {"empty_documents", summary.empty_documents},
                                        {"cut_documents", summary.cut_documents},
                                        {"least_draw", summary.least_draw},
                                        {"greatest_draw", summary.greatest_draw},
                                        {"digest", summary.digest.hex()}});
}

}  // namespace

std::int64_t DocumentPieces::total_documents() const {
    return std::accumulate(documents.begin(), documents.end(), std::int64_t{0});
}

bool find_piece(const PieceTask& task, PieceSummary& summary) {
    if (!fs::exists(summary_path(task)) || !fs::exists(task.path)) {
        return false;
    }
    try {
        const std::string where = summary_path(task).string();
        const Json json = read_json(where);
        const auto count = [&](const char* key) {
            return json_member<std::int64_t>(json, key, where);
        };
        summary = {count("documents"),
                   count("empty_documents"),
                   count("cut_documents"),
                   json_member<text::DropCounts>(json, "dropped", where),
                   count("least_draw"),
                   count("greatest_draw"),
                   Digest::from_hex(json_member<std::string>(json, "digest", where))};
        return json_member<std::string>(json, "settings", where) == task.settings.hex() &&
               json_member<std::string>(json, "input", where) == hash_text(task.input.name).hex() &&
               json_member<std::uint64_t>(json, "input_bytes", where) == task.input.size.value &&
               json_member<std::uint64_t>(json, "input_begin", where) == task.part.begin &&
               json_member<std::uint64_t>(json, "input_end", where) == task.part.end &&
               hash_file(task.path) == summary.digest;
    } catch (const InputError&) {
        return false;  // a damaged piece is made again
    }
}

PieceSummary make_piece(const PieceTask& task, const text::DocumentFile& file,
                        const PieceTools& tools, const std::function<void(Bytes)>& progress) {
    const auto reader = file.open(task.part);
    PieceWriter writer(task.path);
    PieceSummary summary;
    Encoder encoder(tools);
    text::Document document;
    PieceDocument made;
    while (reader->next(document)) {
        encoder.encode(document.text, made);
        summary.cut_documents += document.is_cut ? 1 : 0;
        if (made.ids.empty()) {
            ++summary.empty_documents;
        } else {
            made.text_hash = hash_text(document.text);
            made.draw = split_draw(made.text_hash, task.seed);
            writer.append(made);
            ++summary.documents;
            summary.least_draw = std::min(summary.least_draw, made.draw);
            summary.greatest_draw = std::max(summary.greatest_draw, made.draw);
        }
        progress(Bytes(document.text.size()));
    }
    summary.dropped = reader->dropped();
    summary.digest = writer.publish();
    write_summary(task, summary);
    return summary;
}

std::uint64_t document_draw(const Digest& text_hash, std::uint64_t seed, RandomUse use) {
    const PhiloxCounter words =
        philox(philox_key(seed, use), {static_cast<std::uint32_t>(text_hash.low),
                                       static_cast<std::uint32_t>(text_hash.low >> 32),
                                       static_cast<std::uint32_t>(text_hash.high),
                                       static_cast<std::uint32_t>(text_hash.high >> 32)});
    return std::uint64_t{words[0]} << 32 | words[1];
}

void pack_document(const PieceDocument& document, std::vector<std::byte>& bytes) {
    const bool is_narrow = std::ranges::all_of(document.ids, [](std::int32_t id) {
        return static_cast<std::uint32_t>(id) <= std::numeric_limits<std::uint16_t>::max();
    });
    std::vector<std::uint16_t> narrow;
    if (is_narrow) {
        narrow.assign(document.ids.begin(), document.ids.end());
    }
    const PieceHeader header{
        document.draw, document.text_hash, static_cast<std::int64_t>(document.ids.size()),
        static_cast<std::int64_t>(document.sentence_ends.size()), is_narrow ? 2 : 4};
    for (const auto part :
         {std::as_bytes(std::span(&header, 1)),
          is_narrow ? std::as_bytes(std::span(narrow)) : std::as_bytes(std::span(document.ids)),
          std::as_bytes(std::span(document.sentence_ends))}) {
        bytes.insert(bytes.end(), part.begin(), part.end());
    }
}

void PieceWriter::append(const PieceDocument& document) {
    packed_.clear();
    pack_document(document, packed_);
    append_packed(packed_);
}

PieceReader::PieceReader(const fs::path& path)
    : file_(path), left_(file_.size().value), buffer_(kBuffer), most_(kBuffer) {}

void PieceReader::refuse() const {
    throw InputError(file_.path().string() +
                     " is damaged; remove the .work folder and run hpml_prepare again");
}

bool PieceReader::read(std::span<std::byte> bytes) {
    while (!bytes.empty()) {
        if (at_ == end_) {
            at_ = 0;
            end_ = file_.read(std::span(buffer_).first(most_));
            most_ = std::min(2 * most_, kBuffer);
            if (end_ == 0 || end_ > left_) {
                return false;
            }
            left_ -= end_;
        }
        const std::size_t taken = std::min(bytes.size(), end_ - at_);
        std::memcpy(bytes.data(), buffer_.data() + at_, taken);
        at_ += taken;
        bytes = bytes.subspan(taken);
    }
    return true;
}

bool PieceReader::read_ids(bool is_narrow, std::span<std::int32_t> ids) {
    if (!is_narrow) {
        return read(std::as_writable_bytes(ids));
    }
    narrow_.resize(ids.size());
    const bool is_whole = read(std::as_writable_bytes(std::span(narrow_)));
    std::ranges::copy(narrow_, ids.begin());
    return is_whole;
}

void PieceReader::skip(std::uint64_t bytes) {
    if (bytes <= end_ - at_) {
        at_ += static_cast<std::size_t>(bytes);
        return;
    }
    bytes -= end_ - at_;
    if (bytes > left_) {
        refuse();
    }
    left_ -= bytes;
    file_.seek(file_.size().value - left_);
    at_ = end_ = 0;
    most_ = kAfterJump;
}

bool PieceReader::next_unread(PieceDocument& document) {
    const Content passed = std::exchange(unread_, {});
    skip(passed.ids * passed.id_bytes + passed.sentences * sizeof(std::int32_t));
    PieceHeader header;
    if (!read(std::as_writable_bytes(std::span(&header, 1)))) {
        return false;
    }
    // A token takes at least a byte of the document's text.
    constexpr auto kMost = static_cast<std::int64_t>(text::kLongestDocument);
    if (header.ids <= 0 || header.ids > kMost || header.sentences < 0 ||
        header.sentences > header.ids || (header.id_bytes != 2 && header.id_bytes != 4)) {
        refuse();
    }
    document.draw = header.draw;
    document.text_hash = header.text_hash;
    unread_ = {static_cast<std::size_t>(header.ids), static_cast<std::size_t>(header.sentences),
               static_cast<std::size_t>(header.id_bytes)};
    return true;
}

void PieceReader::read_content(PieceDocument& document) {
    const Content content = std::exchange(unread_, {});
    document.ids.resize(content.ids);
    document.sentence_ends.resize(content.sentences);
    if (!read_ids(content.id_bytes == 2, document.ids) ||
        !read(std::as_writable_bytes(std::span(document.sentence_ends)))) {
        refuse();
    }
}

bool PieceReader::next(PieceDocument& document) {
    if (!next_unread(document)) {
        return false;
    }
    read_content(document);
    return true;
}

}  // namespace hpml::corpus
