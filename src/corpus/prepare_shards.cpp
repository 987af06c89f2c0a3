#include "corpus/prepare_shards.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "corpus/shard_filler.h"

namespace hpml::corpus {

namespace fs = std::filesystem;

namespace {

constexpr std::int64_t kSpecialPerRow = 2;  ///< [CLS] and [SEP]

/// The rows of a piece, the first of them being number `row` of the split.
void fill_from_piece(const ShardJob& job, std::size_t piece, std::int64_t row,
                     std::int64_t document_number, ShardFiller& filler) {
    PieceReader reader(job.pieces[piece]);
    PieceDocument document;
    for (; row < filler.end() && reader.next(document); ++document_number) {
        if (job.rule.is_validation(document.draw) != job.validation) {
            continue;
        }
        for_each_row(document.ids, job.format.sequence_length, job.special,
                     [&](std::span<const std::int32_t> tokens) {
                         if (row >= filler.begin() && row < filler.end()) {
                             filler.add(row, tokens, document_number);
                         }
                         ++row;
                     });
    }
}

}  // namespace

SplitRule SplitRule::choose(double fraction, std::int64_t least_draw, std::int64_t greatest_draw) {
    if (greatest_draw < 0) {
        throw InputError(
            "the input holds no text (there is nothing to train on); give files with "
            "documents, or check --format");
    }
    if (least_draw == greatest_draw) {
        throw InputError(
            "the input holds one document only (training and validation need one each); give more "
            "text, or separate documents by blank lines");
    }
    auto threshold = static_cast<std::int64_t>(std::ldexp(fraction, 63));
    threshold = std::clamp(threshold, least_draw + 1, greatest_draw);
    return {threshold};
}

std::int64_t row_count(std::int64_t ids, std::int64_t sequence_length) {
    const std::int64_t room = sequence_length - kSpecialPerRow;
    return (ids + room - 1) / room;
}

void for_each_row(std::span<const std::int32_t> ids, std::int64_t sequence_length,
                  const text::SpecialTokens& special,
                  const std::function<void(std::span<const std::int32_t>)>& use) {
    const auto room = static_cast<std::size_t>(sequence_length - kSpecialPerRow);
    std::vector<std::int32_t> row;
    for (std::size_t at = 0; at < ids.size(); at += room) {
        const auto part = ids.subspan(at, std::min(room, ids.size() - at));
        row.assign(1, special.cls);
        row.insert(row.end(), part.begin(), part.end());
        row.push_back(special.sep);
        use(row);
    }
}

PieceCounts count_piece(const fs::path& piece, const SplitRule& rule, std::int64_t sequence_length,
                        std::span<std::int64_t> unigrams) {
    PieceReader reader(piece);
    PieceDocument document;
    PieceCounts counts;
    while (reader.next(document)) {
        const bool is_validation = rule.is_validation(document.draw);
        SplitCounts& split = is_validation ? counts.validation : counts.train;
        const auto ids = static_cast<std::int64_t>(document.ids.size());
        const std::int64_t rows = row_count(ids, sequence_length);
        ++split.documents;
        split.rows += rows;
        split.tokens += ids + kSpecialPerRow * rows;
        for (const std::int32_t id : document.ids) {
            expects(id >= 0 && static_cast<std::size_t>(id) < unigrams.size(),
                    "token ids below the vocabulary's size");
            unigrams[static_cast<std::size_t>(id)] += is_validation ? 0 : 1;
        }
    }
    return counts;
}

double unigram_entropy(std::span<const std::int64_t> unigrams, const text::SpecialTokens& special) {
    const auto is_counted = [&](std::size_t id) {
        return unigrams[id] > 0 && !special.contains(static_cast<std::int32_t>(id));
    };
    double total = 0;
    for (std::size_t id = 0; id < unigrams.size(); ++id) {
        total += is_counted(id) ? static_cast<double>(unigrams[id]) : 0.0;
    }
    double entropy = 0;
    for (std::size_t id = 0; id < unigrams.size(); ++id) {
        if (is_counted(id)) {
            const double probability = static_cast<double>(unigrams[id]) / total;
            entropy -= probability * std::log(probability);
        }
    }
    return entropy;
}

std::int64_t ShardJob::total_rows() const {
    return std::accumulate(rows.begin(), rows.end(), std::int64_t{0});
}

std::int64_t ShardJob::total_shards() const {
    const std::int64_t most =
        std::min(most_rows_per_shard, kMostShardTokens / format.sequence_length);
    return (total_rows() + most - 1) / most;
}

std::int64_t ShardJob::first_row(std::int64_t shard) const {
    const std::int64_t shards = total_shards();
    if (shards == 0) {
        return 0;
    }
    // The product of both numbers could be too large.
    const std::int64_t rows = total_rows();
    return rows / shards * shard + rows % shards * shard / shards;
}

void ShardJob::take_share(Rank rank, int ranks) {
    first_shard = total_shards() * rank.value / ranks;
    last_shard = total_shards() * (rank.value + 1) / ranks;
    this->rank = rank;
}

std::vector<ShardEntry> write_shards(const ShardJob& job) {
    ShardFiller filler(job, FinishedShards::Keep);
    std::int64_t row = 0;
    std::int64_t document = 0;
    for (std::size_t piece = 0; piece < job.pieces.size() && row < filler.end(); ++piece) {
        if (row + job.rows[piece] > filler.begin() && job.rows[piece] > 0) {
            fill_from_piece(job, piece, row, document, filler);
        }
        row += job.rows[piece];
        document += job.documents[piece];
    }
    return filler.take();
}

}  // namespace hpml::corpus
