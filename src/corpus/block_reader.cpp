#include "corpus/block_reader.h"

#include <numeric>

namespace hpml::corpus {

BlockReader::BlockReader(const DocumentPieces& pieces, std::size_t piece, const SplitChoice& split,
                         const Packer& packer)
    : pieces_(pieces),
      first_(piece),
      split_(split),
      packer_(packer),
      piece_(piece),
      reader_(pieces.paths[piece]),
      is_inside_(piece == 0) {
    const auto before = pieces.documents.begin() + static_cast<std::ptrdiff_t>(piece);
    number_ = std::accumulate(pieces.documents.begin(), before, std::int64_t{0}) - 1;
}

bool BlockReader::next_of_pieces(PieceDocument& document) {
    while (!reader_->next_unread(document)) {
        if (++piece_ == pieces_.paths.size() || !is_inside_) {
            return false;
        }
        reader_.emplace(pieces_.paths[piece_]);
    }
    ++number_;
    return true;
}

bool BlockReader::next(PieceDocument& document) {
    while (next_of_pieces(document)) {
        if (!split_.takes(document)) {
            continue;
        }
        reader_->read_content(document);
        begins_block_ = packer_.begins_block(document);
        if (begins_block_ && piece_ != first_) {
            return false;
        }
        is_inside_ = is_inside_ || begins_block_;
        if (is_inside_) {
            return true;
        }
    }
    return false;
}

}  // namespace hpml::corpus
