#include "text/byte_pair.h"

#include <array>
#include <queue>
#include <tuple>
#include <unordered_map>

#include "base/error.h"
#include "text/byte_alphabet.h"
#include "text/byte_level_splitter.h"
#include "text/id_sink.h"
#include "text/merge_table.h"
#include "text/utf8.h"
#include "text/word_table.h"

namespace hpml::text {

namespace {

/// Bytes up to which the best merge is searched for one by one; a longer piece keeps them in a
/// heap, so that a hostile one takes n log n.
constexpr std::size_t kShortPiece = 48;

using TokenIds = std::unordered_map<std::string_view, std::int32_t>;

std::int32_t id_of(const TokenIds& ids, const std::string& token, const std::string& where) {
    const auto found = ids.find(token);
    if (found == ids.end()) {
        throw InputError(where + ": '" + token +
                         "' is not in the vocabulary (merges and vocabulary do not belong "
                         "together); give both files of one tokenizer");
    }
    return found->second;
}

/// The piece's tokens as a list in an array, for the heap.
struct Symbol {
    std::int32_t id;
    std::int32_t previous;  ///< -1: the first
    std::int32_t next;      ///< -1: the last
};

}  // namespace

class BytePairEncoder::State {
  public:
    State(const BytePairParts& parts, const std::string& name)
        : adds_prefix_space_(parts.adds_prefix_space),
          merges_(parts.merges.size()),
          words_(parts.tokens.size()) {
        TokenIds ids;
        for (std::size_t id = 0; id < parts.tokens.size(); ++id) {
            ids.emplace(parts.tokens[id], static_cast<std::int32_t>(id));
        }
        const ByteAlphabet alphabet;
        for (std::size_t byte = 0; byte < byte_ids_.size(); ++byte) {
            const std::string& character = alphabet.character(static_cast<unsigned char>(byte));
            const auto found = ids.find(character);
            if (found == ids.end()) {
                throw InputError(name + ": the vocabulary has no token '" + character +
                                 "' for byte " + std::to_string(byte) +
                                 " (text that holds it could not be encoded); give a byte-level "
                                 "vocabulary, which has all 256");
            }
            byte_ids_[byte] = found->second;
        }
        for (std::size_t rank = 0; rank < parts.merges.size(); ++rank) {
            const auto& [left, right] = parts.merges[rank];
            const std::string where = name + ", merge " + std::to_string(rank + 1);
            const Merge merge{static_cast<std::uint32_t>(rank), id_of(ids, left + right, where)};
            if (!merges_.add(id_of(ids, left, where), id_of(ids, right, where), merge)) {
                throw InputError(where + ": '" + left + " " + right +
                                 "' stands twice (a pair has one rank); remove one of them");
            }
        }
        add_words(parts.tokens, alphabet);
    }

    void encode(std::string_view text, std::vector<std::int32_t>& ids) const {
        IdSink sink(ids);
        std::size_t at = 0;
        while (at < text.size()) {
            const std::size_t end = splitter_.next(text, at);
            const std::int32_t id = end - at <= WordKey::kLongest ? find_word(text, at, end) : -1;
            if (id >= 0) {
                sink.push(id);
            } else {
                add_piece(text.substr(at, end - at), sink);
            }
            at = end;
        }
        sink.flush();
    }

    [[nodiscard]] bool adds_prefix_space() const { return adds_prefix_space_; }

  private:
    /// Only a token that its own bytes are merged to may be looked up as a whole.
    void add_words(const std::vector<std::string>& tokens, const ByteAlphabet& alphabet) {
        std::vector<std::int32_t> ids;
        for (std::size_t id = 0; id < tokens.size(); ++id) {
            const auto bytes = alphabet.bytes(tokens[id]);
            if (!bytes || bytes->empty() || bytes->size() > WordKey::kLongest) {
                continue;
            }
            ids.clear();
            IdSink sink(ids);
            add_piece(*bytes, sink);
            sink.flush();
            if (ids.size() == 1 && ids[0] == static_cast<std::int32_t>(id)) {
                words_.add(WordKey::of(*bytes), ids[0]);
            }
        }
    }

    [[nodiscard]] std::int32_t find_word(std::string_view text, std::size_t at,
                                         std::size_t end) const {
        const char* bytes = text.data() + at;
        return words_.find(text.size() - at >= 16
                               ? WordKey::of(load_eight(bytes), load_eight(bytes + 8), end - at)
                               : WordKey::of(text.substr(at, end - at)));
    }

    void add_piece(std::string_view piece, IdSink& sink) const {
        if (piece.size() <= kShortPiece) {
            add_short_piece(piece, sink);
        } else {
            add_long_piece(piece, sink);
        }
    }

    void add_short_piece(std::string_view piece, IdSink& sink) const {
        std::array<std::int32_t, kShortPiece> ids;
        std::array<Merge, kShortPiece> merges;  // of a token and the one behind it
        std::size_t count = piece.size();
        for (std::size_t i = 0; i < count; ++i) {
            ids[i] = byte_ids_[static_cast<unsigned char>(piece[i])];
        }
        for (std::size_t i = 0; i + 1 < count; ++i) {
            merges[i] = merges_.find(ids[i], ids[i + 1]);
        }
        while (count > 1) {
            std::size_t best = 0;
            for (std::size_t i = 1; i + 1 < count; ++i) {
                best = merges[i].rank < merges[best].rank ? i : best;
            }
            if (merges[best].rank == Merge::kNone) {
                break;
            }
            ids[best] = merges[best].id;
            for (std::size_t i = best + 1; i + 1 < count; ++i) {
                ids[i] = ids[i + 1];
                merges[i - 1] = merges[i];
            }
            --count;
            if (best + 1 < count) {
                merges[best] = merges_.find(ids[best], ids[best + 1]);
            }
            if (best > 0) {
                merges[best - 1] = merges_.find(ids[best - 1], ids[best]);
            }
        }
        for (std::size_t i = 0; i < count; ++i) {
            sink.push(ids[i]);
        }
    }

    void add_long_piece(std::string_view piece, IdSink& sink) const;

    bool adds_prefix_space_;
    ByteLevelSplitter splitter_;
    std::array<std::int32_t, 256> byte_ids_{};
    MergeTable merges_;
    WordTable words_;
};

void BytePairEncoder::State::add_long_piece(std::string_view piece, IdSink& sink) const {
    const auto count = static_cast<std::int32_t>(piece.size());
    std::vector<Symbol> symbols;
    symbols.reserve(piece.size());
    for (std::int32_t i = 0; i < count; ++i) {
        const auto byte = static_cast<unsigned char>(piece[static_cast<std::size_t>(i)]);
        symbols.push_back({byte_ids_[byte], i - 1, i + 1 < count ? i + 1 : -1});
    }
    // Rank, place of the left token, and the two ids: they tell whether the entry is still true.
    using Entry = std::tuple<std::uint32_t, std::int32_t, std::int32_t, std::int32_t>;
    std::priority_queue<Entry, std::vector<Entry>, std::greater<>> queue;
    const auto at = [&](std::int32_t i) -> Symbol& { return symbols[static_cast<std::size_t>(i)]; };
    const auto offer = [&](std::int32_t left) {
        if (left < 0 || at(left).next < 0) {
            return;
        }
        const std::int32_t right = at(at(left).next).id;
        if (const Merge merge = merges_.find(at(left).id, right); merge.rank != Merge::kNone) {
            queue.emplace(merge.rank, left, at(left).id, right);
        }
    };
    for (std::int32_t i = 0; i < count; ++i) {
        offer(i);
    }
    while (!queue.empty()) {
        const auto [rank, left, left_id, right_id] = queue.top();
        queue.pop();
        const std::int32_t right = at(left).next;
        if (at(left).id != left_id || right < 0 || at(right).id != right_id) {
            continue;
        }
        at(left).id = merges_.find(left_id, right_id).id;
        at(left).next = at(right).next;
        at(right).id = -1;
        if (at(left).next >= 0) {
            at(at(left).next).previous = left;
        }
        offer(at(left).previous);
        offer(left);
    }
    for (std::int32_t i = 0; i >= 0; i = at(i).next) {
        sink.push(at(i).id);
    }
}

BytePairEncoder::BytePairEncoder(const BytePairParts& parts, const std::string& name)
    : state_(std::make_unique<State>(parts, name)) {}
BytePairEncoder::~BytePairEncoder() = default;
BytePairEncoder::BytePairEncoder(BytePairEncoder&&) noexcept = default;
BytePairEncoder& BytePairEncoder::operator=(BytePairEncoder&&) noexcept = default;

void BytePairEncoder::encode(std::string_view text, std::vector<std::int32_t>& ids) const {
    if (text.empty()) {
        return;
    }
    if (state_->adds_prefix_space() && text.front() != ' ') {
        std::string spaced(" ");
        spaced += text;
        state_->encode(is_utf8(spaced) ? spaced : repaired_utf8(spaced), ids);
    } else if (is_utf8(text)) {
        state_->encode(text, ids);
    } else {
        state_->encode(repaired_utf8(text), ids);
    }
}

}  // namespace hpml::text
