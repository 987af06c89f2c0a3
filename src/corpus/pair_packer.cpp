#include "corpus/pair_packer.h"

#include <algorithm>

#include "base/error.h"
#include "corpus/packing_draws.h"

namespace hpml::corpus {

namespace {

/// Documents that may lend sentences, and how many tokens of each: 8 MiB together.
constexpr std::size_t kLenders = 64;
constexpr std::int32_t kLentTokens = 1 << 15;

/// The ids of sentences [begin, end).
std::span<const std::int32_t> sentences(const PieceDocument& document, std::size_t begin,
                                        std::size_t end) {
    const auto at = [&](std::size_t sentence) {
        return sentence == 0 ? std::size_t{0}
                             : static_cast<std::size_t>(document.sentence_ends[sentence - 1]);
    };
    return std::span(document.ids).subspan(at(begin), at(end) - at(begin));
}

/// A part that loses tokens at its ends.
std::span<const std::int32_t> without(std::span<const std::int32_t> part, std::size_t front,
                                      std::size_t back) {
    return part.subspan(front, part.size() - front - back);
}

}  // namespace

PairPacker::PairPacker(const PackingOptions& options, const RowForm& form)
    : options_(options),
      form_(form),
      room_(form.sequence_length - (form.doubles_separator ? 4 : 3)) {}

bool PairPacker::begins_block(const PieceDocument& document) const {
    return begins_drawn_block(document);
}

void PairPacker::end_block(const Use& /*use*/) { lenders_.clear(); }

PairPacker::Chunk PairPacker::gather(const PieceDocument& document, std::size_t begin,
                                     std::int64_t target) {
    Chunk chunk{begin, begin};
    do {
        ++chunk.end;
    } while (chunk.end < document.sentence_ends.size() &&
             static_cast<std::int64_t>(sentences(document, begin, chunk.end).size()) < target);
    return chunk;
}

/// Consecutive sentences of another document, from a random one on, until they reach the target.
PairPacker::Ids PairPacker::borrow(std::int64_t target) {
    const PieceDocument& lender =
        lenders_[draws_.below(static_cast<std::uint32_t>(lenders_.size()))];
    const auto first = draws_.below(static_cast<std::uint32_t>(lender.sentence_ends.size()));
    const Chunk chunk = gather(lender, first, target);
    return sentences(lender, chunk.begin, chunk.end);
}

void PairPacker::give(std::pair<Ids, Ids> parts, Sample sample, const Use& use) {
    auto& [first, second] = parts;
    std::size_t lost[2][2] = {{0, 0}, {0, 0}};  // by part, at its front and back
    std::size_t sizes[2] = {first.size(), second.size()};
    while (sizes[0] + sizes[1] > static_cast<std::size_t>(room_)) {
        const std::size_t longer = sizes[0] > sizes[1] ? 0 : 1;
        ++lost[longer][draws_.below(2)];
        --sizes[longer];
    }
    first = without(first, lost[0][0], lost[0][1]);
    second = without(second, lost[1][0], lost[1][1]);
    row_.assign(1, form_.special.cls);
    row_.insert(row_.end(), first.begin(), first.end());
    row_.push_back(form_.special.sep);
    if (!second.empty()) {
        sample.pair.first_part = static_cast<std::int64_t>(row_.size());
        if (form_.doubles_separator) {
            row_.push_back(form_.special.sep);
        }
        row_.insert(row_.end(), second.begin(), second.end());
        row_.push_back(form_.special.sep);
    }
    sample.ids = row_;
    use(sample);
}

void PairPacker::add(const PieceDocument& document, std::int64_t number, const Use& use) {
    expects(!document.sentence_ends.empty(), "a document cut into sentences");
    draws_ = draws_of(document, options_.seed);
    for (std::size_t at = 0; at < document.sentence_ends.size();) {
        const std::int64_t target = draw_length(draws_, options_.short_sequences, room_);
        const Chunk chunk = gather(document, at, target);
        const std::size_t count = chunk.end - chunk.begin;
        const std::size_t split =
            chunk.begin +
            (count == 1 ? 1 : 1 + draws_.below(static_cast<std::uint32_t>(count - 1)));
        Ids first = sentences(document, chunk.begin, split);
        Ids second = sentences(document, split, chunk.end);
        const bool is_random = !lenders_.empty() && (count == 1 || draws_.below(2) == 0);
        at = is_random ? split : chunk.end;
        if (is_random) {
            second = borrow(target - static_cast<std::int64_t>(first.size()));
        } else if (second.empty() && first.size() > 1) {
            // A lone sentence, and nobody to lend another: its end follows its begin.
            const auto cut = 1 + draws_.below(static_cast<std::uint32_t>(first.size() - 1));
            second = first.subspan(cut);
            first = first.first(cut);
        }
        give({first, second}, {{}, number, {0, is_random}}, use);
    }
    keep_to_lend(document);
}

void PairPacker::keep_to_lend(const PieceDocument& document) {
    if (lenders_.size() == kLenders) {
        lenders_.pop_front();
    }
    PieceDocument kept;
    for (const std::int32_t end : document.sentence_ends) {
        if (end > kLentTokens) {
            break;
        }
        kept.sentence_ends.push_back(end);
    }
    if (kept.sentence_ends.empty()) {
        kept.sentence_ends.push_back(
            std::min(kLentTokens, static_cast<std::int32_t>(document.ids.size())));
    }
    kept.ids.assign(document.ids.begin(), document.ids.begin() + kept.sentence_ends.back());
    lenders_.push_back(std::move(kept));
}

}  // namespace hpml::corpus
