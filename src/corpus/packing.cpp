#include "corpus/packing.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/error.h"
#include "corpus/packing_draws.h"
#include "corpus/pair_packer.h"

namespace hpml::corpus {

namespace {

using Ids = std::span<const std::int32_t>;

constexpr std::int64_t kSpecialPerRow = 2;  ///< [CLS] and [SEP]

/// Pack::Documents.
class TokenPacker : public Packer {
  public:
    TokenPacker(const PackingOptions& options, const RowForm& form)
        : options_(options), form_(form) {}

    [[nodiscard]] bool begins_block(const PieceDocument& /*document*/) const override {
        return true;
    }
    void add(const PieceDocument& document, std::int64_t number, const Use& use) override {
        PhiloxStream draws = draws_of(document, options_.seed);
        Ids left(document.ids);
        while (!left.empty()) {
            const auto length = static_cast<std::size_t>(draw_length(
                draws, options_.short_sequences, form_.sequence_length - kSpecialPerRow));
            const Ids part = left.first(std::min(left.size(), length));
            row_.assign(1, form_.special.cls);
            row_.insert(row_.end(), part.begin(), part.end());
            row_.push_back(form_.special.sep);
            use({row_, number, {}});
            left = left.subspan(part.size());
        }
    }
    void end_block(const Use& /*use*/) override {}

  private:
    PackingOptions options_;
    RowForm form_;
    std::vector<std::int32_t> row_;
};

/// Pack::Sentences and Pack::Full. A sentence that is longer than a row is cut; nothing is left
/// out.
class SentencePacker : public Packer {
  public:
    SentencePacker(const PackingOptions& options, const RowForm& form)
        : options_(options), form_(form), crosses_documents_(options.pack == Pack::Full) {}

    [[nodiscard]] bool begins_block(const PieceDocument& document) const override {
        return !crosses_documents_ || begins_drawn_block(document);
    }
    void add(const PieceDocument& document, std::int64_t number, const Use& use) override {
        expects(!document.sentence_ends.empty(), "a document cut into sentences");
        draws_ = draws_of(document, options_.seed);
        std::size_t begin = 0;
        for (const std::int32_t end : document.sentence_ends) {
            add_sentence(Ids(document.ids).subspan(begin, static_cast<std::size_t>(end) - begin),
                         number, use);
            begin = static_cast<std::size_t>(end);
        }
        if (!crosses_documents_) {
            close_row(use);
        } else if (!row_.empty()) {
            row_.push_back(form_.special.sep);
        }
    }
    void end_block(const Use& use) override { close_row(use); }

  private:
    void add_sentence(Ids sentence, std::int64_t number, const Use& use) {
        if (!row_.empty() && row_.size() + sentence.size() + 1 > target_) {
            close_row(use);
        }
        while (!sentence.empty()) {
            if (row_.empty()) {
                row_.push_back(form_.special.cls);
                document_ = number;
                target_ = static_cast<std::size_t>(
                    kSpecialPerRow + draw_length(draws_, options_.short_sequences,
                                                 form_.sequence_length - kSpecialPerRow));
            }
            // A row's first sentence is cut only where no row could hold more of it.
            const auto longest = static_cast<std::size_t>(form_.sequence_length);
            const std::size_t limit = row_.size() == 1 ? longest : target_;
            const Ids part = sentence.first(std::min(sentence.size(), limit - row_.size() - 1));
            row_.insert(row_.end(), part.begin(), part.end());
            sentence = sentence.subspan(part.size());
            if (!sentence.empty()) {
                close_row(use);
            }
        }
    }
    void close_row(const Use& use) {
        if (row_.empty()) {
            return;
        }
        if (row_.back() != form_.special.sep) {
            row_.push_back(form_.special.sep);
        }
        use({row_, document_, {}});
        row_.clear();
    }

    PackingOptions options_;
    RowForm form_;
    bool crosses_documents_;
    PhiloxStream draws_{PhiloxKey{}, 0, 0, 0};  ///< of the document that is added
    std::vector<std::int32_t> row_;             ///< that is filled; empty: none
    std::int64_t document_ = 0;                 ///< that it begins with
    std::size_t target_ = 0;                    ///< ids that it is to have, special ones included
};

}  // namespace

const char* name_of(Pack pack) {
    constexpr std::array kNames{"documents", "sentences", "full", "pairs"};
    return kNames.at(static_cast<std::size_t>(pack));
}

std::int64_t least_length(Pack pack) { return pack == Pack::Pairs ? 8 : kSpecialPerRow + 1; }

std::unique_ptr<Packer> make_packer(const PackingOptions& options, const RowForm& form) {
    expects(form.sequence_length >= least_length(options.pack), "rows with room for tokens");
    if (options.pack == Pack::Documents) {
        return std::make_unique<TokenPacker>(options, form);
    }
    if (options.pack == Pack::Pairs) {
        return std::make_unique<PairPacker>(options, form);
    }
    return std::make_unique<SentencePacker>(options, form);
}

}  // namespace hpml::corpus
