#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "base/philox.h"
#include "corpus/prepare_piece.h"
#include "corpus/shard.h"
#include "text/special_tokens.h"

namespace hpml::corpus {

/// What a row is made of.
enum class Pack {
    Documents,  ///< one document's tokens, cut wherever the row is full
    Sentences,  ///< one document's consecutive whole sentences ("DOC-SENTENCES" of Liu et al. 2019)
    Full,       ///< sentences of consecutive documents, [SEP] between them ("FULL-SENTENCES")
    /// [CLS] sentences [SEP] sentences [SEP]: in half of the rows the second part follows the first
    /// in the document, in the others it is of another document (next-sentence prediction: Devlin
    /// et al. 2019, section 3.1).
    Pairs,
};
/// The word for it in options and settings.
[[nodiscard]] const char* name_of(Pack pack);

/// How documents become rows.
struct PackingOptions {
    Pack pack = Pack::Documents;
    /// Share of the rows that are to end early, every length from 2 tokens on as likely as any
    /// other ("short_seq_prob" of Devlin et al. 2019), in [0, 1].
    double short_sequences = 0;
    std::uint64_t seed = 42;
};

[[nodiscard]] inline bool needs_sentences(const PackingOptions& options) {
    return options.pack != Pack::Documents;
}

/// What all rows of a corpus have in common.
struct RowForm {
    std::int64_t sequence_length = 0;  ///< longest row, special tokens included; >= least_length
    text::SpecialTokens special;
    /// Pairs as RoBERTa writes them: <s> first </s> </s> second </s>.
    bool doubles_separator = false;
};
/// Of a row: [CLS], a token and [SEP]; of pairs with room for both parts.
[[nodiscard]] std::int64_t least_length(Pack pack);

/// One row; its ids are valid while the receiver runs.
struct Sample {
    std::span<const std::int32_t> ids;  ///< special tokens included
    std::int64_t document = 0;          ///< number of the document that it begins with
    RowPair pair;                       ///< of Pack::Pairs
};

/// Makes rows of documents that come one after the other. Documents that share rows, or lend one
/// another sentences, are those of one block, and where a block begins depends on its first
/// document alone: so the rows of any part of a corpus can be made without what stands before it.
/// Every draw is keyed by the seed and the document's text.
class Packer {
  public:
    using Use = std::function<void(const Sample&)>;

    virtual ~Packer() = default;
    Packer(const Packer&) = delete;
    Packer& operator=(const Packer&) = delete;
    Packer(Packer&&) = delete;
    Packer& operator=(Packer&&) = delete;

    [[nodiscard]] virtual bool begins_block(const PieceDocument& document) const = 0;
    /// Take the next document. @param number  of the document, for its rows
    virtual void add(const PieceDocument& document, std::int64_t number, const Use& use) = 0;
    /// Give what is held back: the block ends here.
    virtual void end_block(const Use& use) = 0;

  protected:
    Packer() = default;
};

[[nodiscard]] std::unique_ptr<Packer> make_packer(const PackingOptions& options,
                                                  const RowForm& form);

}  // namespace hpml::corpus
