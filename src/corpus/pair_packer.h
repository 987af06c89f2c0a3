#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <utility>
#include <vector>

#include "base/philox.h"
#include "corpus/packing.h"

namespace hpml::corpus {

/// Pack::Pairs, as BERT's authors make them (create_instances_from_document): sentences gather up
/// to a length; the first some of them, a random number, are the first part; the second part is the
/// rest, or sentences of another document, and then the rest goes into the next row. What is too
/// long loses tokens at a random end of its longer part.
///
/// The other document is one of the same block that came before: its first document finds none, and
/// gives true pairs only.
class PairPacker : public Packer {
  public:
    PairPacker(const PackingOptions& options, const RowForm& form);

    [[nodiscard]] bool begins_block(const PieceDocument& document) const override;
    void add(const PieceDocument& document, std::int64_t number, const Use& use) override;
    void end_block(const Use& use) override;

  private:
    using Ids = std::span<const std::int32_t>;

    /// Sentences [begin, end) of a document that gather for a row.
    struct Chunk {
        std::size_t begin = 0;
        std::size_t end = 0;
    };
    [[nodiscard]] static Chunk gather(const PieceDocument& document, std::size_t begin,
                                      std::int64_t target);
    [[nodiscard]] Ids borrow(std::int64_t target);
    void give(std::pair<Ids, Ids> parts, Sample sample, const Use& use);
    void keep_to_lend(const PieceDocument& document);

    PackingOptions options_;
    RowForm form_;
    std::int64_t room_;  ///< tokens of both parts
    PhiloxStream draws_{PhiloxKey{}, 0, 0, 0};
    std::deque<PieceDocument> lenders_;  ///< the block's last documents, cut to a bound
    std::vector<std::int32_t> row_;
};

}  // namespace hpml::corpus
