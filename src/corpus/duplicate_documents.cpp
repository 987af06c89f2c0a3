#include "corpus/duplicate_documents.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "base/error.h"
#include "base/fault.h"
#include "base/json.h"
#include "corpus/min_hash.h"
#include "corpus/prepare_piece.h"

namespace hpml::corpus {

namespace fs = std::filesystem;

namespace {

/// The hashes of this rank's documents, as sorted runs. Of equal hashes in a run all but the first
/// are marked at once and not written, so that a partition is never larger than the different
/// hashes in it, times the number of runs, however often a document is repeated.
class HashSpill {
  public:
    /// @param name  of the runs' files, told apart by a number behind it
    HashSpill(const DuplicateSearch& search, std::string name, ItemBits& duplicates)
        : search_(search), name_(std::move(name)), duplicates_(duplicates) {}

    void add(const Digest& hash, std::int64_t item) {
        hashes_.push_back({hash, item});
        if (hashes_.size() >= search_.most_hashes) {
            flush();
        }
    }
    /// The runs of all ranks. Collective.
    [[nodiscard]] std::vector<HashRun> gather(const mpi::Communicator& ranks) {
        mpi::agree(ranks, [&] { flush(); });
        hashes_ = {};
        std::vector<HashRun> runs;
        for (const std::string& text : ranks.all_gather(written_.dump())) {
            for (const Json& run : parse_json(text, "list of runs of hashes", mib(1024))) {
                runs.push_back({search_.folder / run.at(0).get<std::string>(), run.at(1), 0});
            }
        }
        return runs;
    }

    /// This rank's runs.
    void remove() const {
        for (const Json& run : written_) {
            fs::remove(search_.folder / run.at(0).get<std::string>());
        }
    }

  private:
    void flush() {
        if (hashes_.empty()) {
            return;
        }
        sort_hashes(hashes_);
        mark_repeated(hashes_, duplicates_);
        const auto repeated = std::ranges::unique(hashes_, {}, &ItemHash::hash);
        hashes_.erase(repeated.begin(), repeated.end());
        const std::string file = fmt::format("{}-{:06}", name_, written_.size());
        (void)write_hashes(search_.folder / file, hashes_, Sync::Skip);
        written_.push_back(Json{file, hashes_.size()});
        hashes_.clear();
    }

    const DuplicateSearch& search_;
    std::string name_;
    ItemBits& duplicates_;
    std::vector<ItemHash> hashes_;
    Json written_ = Json::array();
};

/// Mark what equals a hash of another run. Collective.
void mark_across_runs(HashSpill& spill, ItemBits& duplicates, const mpi::Communicator& ranks) {
    const DuplicateFinder finder(spill.gather(ranks));
    mpi::agree(ranks, [&] {
        for (std::int64_t part = 0; part < finder.partitions(); ++part) {
            if (falls_to(ranks, static_cast<std::size_t>(part))) {
                finder.mark(part, duplicates);
            }
        }
    });
    ranks.bit_or(duplicates.words());
    mpi::agree(ranks, [&] { spill.remove(); });
}

}  // namespace

std::string_view duplicates_name(DuplicateDocuments duplicates) {
    switch (duplicates) {
        case DuplicateDocuments::Keep:
            return "keep";
        case DuplicateDocuments::Exact:
            return "exact";
        case DuplicateDocuments::Near:
            return "near";
    }
    return "";
}

bool falls_to(const mpi::Communicator& ranks, std::size_t index) {
    return static_cast<int>(index % static_cast<std::size_t>(ranks.size())) == ranks.rank().value;
}

FoundDuplicates find_duplicate_documents(const DocumentPieces& pieces,
                                         const DuplicateSearch& search,
                                         const mpi::Communicator& ranks) {
    const bool near = search.kind == DuplicateDocuments::Near;
    const MinHash min_hash;
    FoundDuplicates found{ItemBits(pieces.total_documents())};
    ItemBits alike(near ? pieces.total_documents() : 0);
    HashSpill texts(search, fmt::format("texts-{}", ranks.rank().value), found.dropped);
    HashSpill keys(search, fmt::format("keys-{}", ranks.rank().value), alike);
    mpi::agree(ranks, [&] {
        PieceDocument document;
        std::int64_t number = 0;
        for (std::size_t piece = 0; piece < pieces.paths.size(); ++piece) {
            const std::int64_t end = number + pieces.documents[piece];
            if (!falls_to(ranks, piece)) {
                number = end;
                continue;
            }
            PieceReader reader(pieces.paths[piece]);
            for (; reader.next(document); ++number) {
                texts.add(document.text_hash, number);
                if (near) {
                    for (const Digest& key : min_hash.keys(document.ids)) {
                        keys.add(key, number);
                    }
                }
            }
            expects(number == end, "as many documents as were counted");
            (void)fault_point("prepare.hashes", Step(static_cast<std::int64_t>(piece)),
                              ranks.rank());
        }
    });
    mark_across_runs(texts, found.dropped, ranks);
    found.exact = found.dropped.count();
    if (near) {
        mark_across_runs(keys, alike, ranks);
        found.dropped.merge(alike);
        found.near = found.dropped.count() - found.exact;
    }
    return found;
}

}  // namespace hpml::corpus
