#include "corpus/prepare_corpus.h"

#include <cstddef>
#include <numeric>
#include <span>
#include <vector>

#include "corpus/shard_filler.h"
#include "corpus/unigrams.h"

namespace hpml::corpus {

namespace {

/// What the pieces give to a split, after `count`.
struct SplitTotals {
    std::vector<std::int64_t> rows;       ///< [pieces]
    std::vector<std::int64_t> documents;  ///< [pieces]
    std::vector<std::int64_t> unigrams;   ///< [vocabulary]
};

SplitTotals count(const SplitTask& task, std::int64_t vocabulary, const mpi::Communicator& ranks) {
    const std::size_t pieces = task.pieces.paths.size();
    SplitTotals totals{std::vector<std::int64_t>(pieces), std::vector<std::int64_t>(pieces),
                       std::vector<std::int64_t>(static_cast<std::size_t>(vocabulary))};
    mpi::agree(ranks, [&] {
        const auto step = static_cast<std::size_t>(ranks.size());
        for (auto i = static_cast<std::size_t>(ranks.rank().value); i < pieces; i += step) {
            const SplitCounts counts = count_rows(task, i, totals.unigrams);
            totals.rows[i] = counts.rows;
            totals.documents[i] = counts.documents;
        }
    });
    ranks.sum(std::span(totals.rows));
    ranks.sum(std::span(totals.documents));
    ranks.sum(std::span(totals.unigrams));
    return totals;
}

std::vector<ShardEntry> write(const CorpusTask& corpus, const SplitTask& task,
                              std::vector<std::int64_t> rows, const mpi::Communicator& ranks) {
    ShardJob job;
    job.output = corpus.folder;
    job.prefix = task.split.validation ? "validation" : "train";
    job.format = corpus.format;
    job.most_rows_per_shard = corpus.most_rows_per_shard;
    job.rows = std::move(rows);
    job.take_share(ranks.rank(), ranks.size());
    std::vector<ShardEntry> mine;
    mpi::agree(ranks, [&] { mine = write_shards(job, task); });
    return gather_shards(mine, ranks);
}

std::int64_t sum(const std::vector<std::int64_t>& counts) {
    return std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
}

}  // namespace

Manifest write_corpus(const CorpusTask& task, const mpi::Communicator& ranks) {
    const SplitTask train{task.pieces, {task.rule, false}, task.packing, task.form};
    const SplitTask validation{task.pieces, {task.rule, true}, task.packing, task.form};
    const std::int64_t vocabulary = task.format.vocabulary_size;
    SplitTotals train_totals = count(train, vocabulary, ranks);
    SplitTotals validation_totals = count(validation, vocabulary, ranks);

    Manifest manifest;
    manifest.sequence_length = task.form.sequence_length;
    manifest.validation_documents = sum(validation_totals.documents);
    manifest.documents = sum(train_totals.documents) + manifest.validation_documents;
    manifest.unigram_entropy_nats = unigram_entropy(train_totals.unigrams, task.form.special);
    manifest.train = write(task, train, std::move(train_totals.rows), ranks);
    manifest.validation = write(task, validation, std::move(validation_totals.rows), ranks);
    return manifest;
}

}  // namespace hpml::corpus
