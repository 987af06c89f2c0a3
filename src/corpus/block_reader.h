#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "corpus/packing.h"
#include "corpus/prepare_piece.h"
#include "corpus/split_rule.h"

namespace hpml::corpus {

/// One of the two splits.
struct SplitChoice {
    SplitRule rule;
    bool validation = false;

    [[nodiscard]] bool takes(const PieceDocument& document) const {
        return rule.is_validation(document.draw) == validation;
    }
};

/// The documents of one split whose blocks begin in one piece, wherever the blocks end: what is
/// packed for that piece, alone. The readers of all pieces give every document once, in order.
class BlockReader {
  public:
    /// @param packer  says where blocks begin; all outlive this
    BlockReader(const DocumentPieces& pieces, std::size_t piece, const SplitChoice& split,
                const Packer& packer);

    /// Replace `document`. @return false at the end @throw as PieceReader
    [[nodiscard]] bool next(PieceDocument& document);
    /// Of the document that `next` gave: its number among those of all pieces.
    [[nodiscard]] std::int64_t number() const { return number_; }
    [[nodiscard]] bool begins_block() const { return begins_block_; }

  private:
    [[nodiscard]] bool next_of_pieces(PieceDocument& document);

    const DocumentPieces& pieces_;
    const std::size_t first_;
    const SplitChoice split_;
    const Packer& packer_;
    std::size_t piece_;  ///< that is read
    std::optional<PieceReader> reader_;
    std::int64_t number_ = -1;
    bool begins_block_ = false;
    bool is_inside_;  ///< of a block that began in the first piece
};

}  // namespace hpml::corpus
