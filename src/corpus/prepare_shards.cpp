#include "corpus/prepare_shards.h"

#include <functional>

#include "base/error.h"
#include "corpus/shard_filler.h"

namespace hpml::corpus {

namespace {

/// Pack the blocks that begin in a piece. @param look  at each document
/// @param use  each row. @return false from it ends the work
void pack_blocks(const SplitTask& task, std::size_t piece,
                 const std::function<bool(const PieceDocument&)>& look, const Packer::Use& use) {
    const auto packer = make_packer(task.packing, task.form);
    BlockReader reader(task.pieces, piece, task.split, *packer);
    PieceDocument document;
    while (reader.next(document)) {
        if (reader.begins_block()) {
            packer->end_block(use);
        }
        if (!look(document)) {
            return;
        }
        packer->add(document, reader.number(), use);
    }
    packer->end_block(use);
}

}  // namespace

SplitCounts count_rows(const SplitTask& task, std::size_t piece, std::span<std::int64_t> unigrams) {
    SplitCounts counts;
    const auto look = [&](const PieceDocument& document) {
        ++counts.documents;
        if (!unigrams.empty()) {
            for (const std::int32_t id : document.ids) {
                expects(id >= 0 && static_cast<std::size_t>(id) < unigrams.size(),
                        "token ids below the vocabulary's size");
                ++unigrams[static_cast<std::size_t>(id)];
            }
        }
        return true;
    };
    pack_blocks(task, piece, look, [&](const Sample&) { ++counts.rows; });
    return counts;
}

std::vector<ShardEntry> write_shards(const ShardJob& job, const SplitTask& task) {
    ShardFiller filler(job, FinishedShards::Keep);
    std::int64_t first = 0;  // row of the piece
    for (std::size_t piece = 0; piece < job.rows.size() && first < filler.end(); ++piece) {
        std::int64_t row = first;
        first += job.rows[piece];
        if (first <= filler.begin() || row == first) {
            continue;
        }
        pack_blocks(
            task, piece, [&](const PieceDocument&) { return row < filler.end(); },
            [&](const Sample& sample) {
                if (row >= filler.begin() && row < filler.end()) {
                    filler.add(row, sample.ids, sample.document, sample.pair);
                }
                ++row;
            });
    }
    return filler.take();
}

}  // namespace hpml::corpus
