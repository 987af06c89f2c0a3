#include "corpus/order_documents.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <span>
#include <string>
#include <utility>

#include "base/clock.h"
#include "base/error.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/json.h"
#include "base/philox.h"
#include "corpus/prepare_piece.h"
#include "corpus/shuffle_documents.h"
#include "mpi/root_text.h"

namespace hpml::corpus {

namespace fs = std::filesystem;

namespace {

/// The passes of this stage, one after the other.
class Ordering {
  public:
    Ordering(const DocumentPieces& pieces, const OrderTask& task, const mpi::Communicator& ranks)
        : pieces_(pieces), task_(task), ranks_(ranks), found_{ItemBits(pieces.total_documents())} {}
    OrderedDocuments run(const Log& log);

  private:
    /// Call with this rank's pieces and the number of their first document.
    using UsePiece = std::function<void(std::size_t piece, std::int64_t number)>;

    void find_duplicates();
    void name_pieces(std::size_t count);
    void copy();
    void shuffle();
    [[nodiscard]] BucketPlan plan_buckets() const;
    void spread(const BucketPlan& plan);
    void sort(const BucketPlan& plan);
    void for_own_pieces(const char* site, const UsePiece& use) const;
    [[nodiscard]] bool next_kept(PieceReader& reader, std::int64_t& number,
                                 PieceDocument& document);
    void reduce();
    void keep_digest(std::size_t index, const Digest& digest);
    void write_note() const;
    [[nodiscard]] bool find_note();
    [[nodiscard]] bool take_note(const Json& note);

    [[nodiscard]] fs::path note_path() const { return task_.folder / "ordered.json"; }
    [[nodiscard]] fs::path spread_prefix(std::size_t rank) const {
        return task_.folder / fmt::format("spread-{}", rank);
    }

    const DocumentPieces& pieces_;
    const OrderTask& task_;
    const mpi::Communicator& ranks_;
    FoundDuplicates found_;
    std::vector<std::int64_t> spread_files_;  ///< [ranks]
    std::vector<std::int64_t> digests_;       ///< [pieces made][2]
    OrderedDocuments result_;
};

void Ordering::find_duplicates() {
    DuplicateSearch search;
    search.folder = task_.folder;
    search.kind = task_.duplicates;
    search.most_hashes = task_.most_hashes;
    found_ = find_duplicate_documents(pieces_, search, ranks_);
    result_.exact_duplicates = found_.exact;
    result_.near_duplicates = found_.near;
}

void Ordering::for_own_pieces(const char* site, const UsePiece& use) const {
    std::int64_t number = 0;
    for (std::size_t piece = 0; piece < pieces_.paths.size(); ++piece) {
        if (falls_to(ranks_, piece)) {
            use(piece, number);
            (void)fault_point(site, Step(static_cast<std::int64_t>(piece)), ranks_.rank());
        }
        number += pieces_.documents[piece];
    }
}

/// The next document that is no duplicate, and count it. @param number  of the next one read
bool Ordering::next_kept(PieceReader& reader, std::int64_t& number, PieceDocument& document) {
    while (reader.next(document)) {
        if (!found_.dropped.test(number++)) {
            ++result_.documents;
            result_.least_draw = std::min(result_.least_draw, document.draw);
            result_.greatest_draw = std::max(result_.greatest_draw, document.draw);
            return true;
        }
    }
    return false;
}

void Ordering::name_pieces(std::size_t count) {
    for (std::size_t index = 0; index < count; ++index) {
        result_.pieces.paths.push_back(task_.folder / fmt::format("piece-{:06}", index));
    }
    result_.pieces.documents.assign(count, 0);
    digests_.assign(2 * count, 0);
}

void Ordering::keep_digest(std::size_t index, const Digest& digest) {
    digests_[2 * index] = static_cast<std::int64_t>(digest.high);
    digests_[2 * index + 1] = static_cast<std::int64_t>(digest.low);
}

void Ordering::copy() {
    name_pieces(pieces_.paths.size());
    mpi::agree(ranks_, [&] {
        PieceDocument document;
        for_own_pieces("prepare.copy", [&](std::size_t piece, std::int64_t number) {
            PieceReader reader(pieces_.paths[piece]);
            PieceWriter writer(result_.pieces.paths[piece]);
            while (next_kept(reader, number, document)) {
                writer.append(document);
                ++result_.pieces.documents[piece];
            }
            keep_digest(piece, writer.publish(Sync::Skip));
        });
    });
}

void Ordering::shuffle() {
    const BucketPlan plan = plan_buckets();
    name_pieces(static_cast<std::size_t>(plan.buckets()));
    spread(plan);
    sort(plan);
}

BucketPlan Ordering::plan_buckets() const {
    std::int64_t total = 0;
    mpi::agree(ranks_, [&] {
        for (std::size_t piece = 0; piece < pieces_.paths.size(); ++piece) {
            if (falls_to(ranks_, piece)) {
                total += static_cast<std::int64_t>(fs::file_size(pieces_.paths[piece]));
            }
        }
    });
    ranks_.sum(std::span(&total, 1));
    const auto documents = static_cast<std::uint64_t>(pieces_.total_documents());
    return {Bytes(static_cast<std::uint64_t>(total) + documents * BucketPlan::kOverhead),
            task_.bucket};
}

void Ordering::spread(const BucketPlan& plan) {
    spread_files_.assign(static_cast<std::size_t>(ranks_.size()), 0);
    mpi::agree(ranks_, [&] {
        const auto rank = static_cast<std::size_t>(ranks_.rank().value);
        SpreadWriter writer(plan, spread_prefix(rank), task_.spread);
        PieceDocument document;
        for_own_pieces("prepare.spread", [&](std::size_t piece, std::int64_t number) {
            PieceReader reader(pieces_.paths[piece]);
            while (next_kept(reader, number, document)) {
                writer.add(document,
                           document_draw(document.text_hash, task_.seed, RandomUse::Shuffle));
            }
        });
        spread_files_[rank] = writer.finish();
    });
    ranks_.sum(std::span(spread_files_));
}

void Ordering::sort(const BucketPlan& plan) {
    mpi::agree(ranks_, [&] {
        for (std::int64_t number = 0; number < plan.buckets(); ++number) {
            if (!falls_to(ranks_, static_cast<std::size_t>(number))) {
                continue;
            }
            Bucket bucket;
            for (std::size_t rank = 0; rank < spread_files_.size(); ++rank) {
                for (std::int64_t file = 0; file < spread_files_[rank]; ++file) {
                    bucket.add(spread_file(spread_prefix(rank), file), number);
                }
            }
            PieceWriter writer(result_.pieces.paths[static_cast<std::size_t>(number)]);
            bucket.write(writer);
            result_.pieces.documents[static_cast<std::size_t>(number)] = bucket.documents();
            keep_digest(static_cast<std::size_t>(number), writer.publish(Sync::Skip));
            result_.peak = std::max(result_.peak, bucket.memory());
            (void)fault_point("prepare.sort", Step(number), ranks_.rank());
        }
    });
    mpi::agree(ranks_, [&] {
        const auto rank = static_cast<std::size_t>(ranks_.rank().value);
        for (std::int64_t file = 0; file < spread_files_[rank]; ++file) {
            fs::remove(spread_file(spread_prefix(rank), file));
        }
    });
}

void Ordering::reduce() {
    ranks_.sum(std::span(&result_.documents, 1));
    ranks_.sum(std::span(result_.pieces.documents));
    ranks_.sum(std::span(digests_));
    std::array<std::int64_t, 3> bounds{-result_.least_draw, result_.greatest_draw,
                                       static_cast<std::int64_t>(result_.peak.value)};
    ranks_.max(std::span(bounds));
    result_.least_draw = -bounds[0];
    result_.greatest_draw = bounds[1];
    result_.peak = Bytes(static_cast<std::uint64_t>(bounds[2]));
}

void Ordering::write_note() const {
    mpi::on_root(ranks_, [&] {
        write_json(note_path(), Json{{"settings", task_.settings.hex()},
                                     {"documents", result_.documents},
                                     {"exact_duplicates", result_.exact_duplicates},
                                     {"near_duplicates", result_.near_duplicates},
                                     {"least_draw", result_.least_draw},
                                     {"greatest_draw", result_.greatest_draw},
                                     {"piece_documents", result_.pieces.documents},
                                     {"digests", digests_}});
    });
}

/// Whether an earlier run has finished this stage; then all is as it was at that run's end.
/// Collective.
bool Ordering::find_note() {
    const std::string text = mpi::text_of_root(
        ranks_, [&] { return fs::exists(note_path()) ? read_text(note_path()) : ""; });
    if (text.empty()) {
        return false;
    }
    std::int64_t damaged = 0;
    mpi::agree(ranks_, [&] {
        try {
            damaged = take_note(parse_json(text, note_path().string())) ? 0 : 1;
        } catch (const InputError&) {
            damaged = 1;  // made again
        }
    });
    ranks_.max(std::span(&damaged, 1));
    if (damaged != 0) {
        result_ = OrderedDocuments();
    }
    return damaged == 0;
}

/// @return false if it is of another task, or a piece of this rank's is not what it was
bool Ordering::take_note(const Json& note) {
    const std::string where = note_path().string();
    const auto count = [&](const char* key) { return json_member<std::int64_t>(note, key, where); };
    if (json_member<std::string>(note, "settings", where) != task_.settings.hex()) {
        return false;
    }
    const auto digests = json_member<std::vector<std::int64_t>>(note, "digests", where);
    auto documents = json_member<std::vector<std::int64_t>>(note, "piece_documents", where);
    if (digests.size() != 2 * documents.size()) {
        return false;
    }
    name_pieces(documents.size());
    digests_ = digests;
    result_.pieces.documents = std::move(documents);
    result_.documents = count("documents");
    result_.exact_duplicates = count("exact_duplicates");
    result_.near_duplicates = count("near_duplicates");
    result_.least_draw = count("least_draw");
    result_.greatest_draw = count("greatest_draw");
    result_.was_there = true;
    for (std::size_t piece = 0; piece < result_.pieces.paths.size(); ++piece) {
        const Digest digest{static_cast<std::uint64_t>(digests[2 * piece]),
                            static_cast<std::uint64_t>(digests[2 * piece + 1])};
        if (falls_to(ranks_, piece) && (!fs::exists(result_.pieces.paths[piece]) ||
                                        hash_file(result_.pieces.paths[piece]) != digest)) {
            return false;
        }
    }
    return true;
}

OrderedDocuments Ordering::run(const Log& log) {
    if (find_note()) {
        log.info("the documents were put in order by an earlier, interrupted run");
        return std::move(result_);
    }
    mpi::on_root(ranks_, [&] {
        fs::remove_all(task_.folder);
        make_folders(task_.folder);
    });
    const Stopwatch watch;
    if (task_.duplicates != DuplicateDocuments::Keep) {
        find_duplicates();
        log.info("looked for duplicates in {:.2f} s", watch.elapsed().value);
    }
    const Seconds before = watch.elapsed();
    if (task_.shuffle) {
        shuffle();
        log.info("shuffled in {:.2f} s", watch.elapsed().value - before.value);
    } else {
        copy();
    }
    reduce();
    write_note();
    return std::move(result_);
}

}  // namespace

OrderedDocuments order_documents(const DocumentPieces& pieces, const OrderTask& task,
                                 const mpi::Communicator& ranks, const Log& log) {
    return Ordering(pieces, task, ranks).run(log);
}

}  // namespace hpml::corpus
