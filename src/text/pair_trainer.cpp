#include "text/pair_trainer.h"

#include <algorithm>
#include <queue>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

namespace hpml::text {

namespace {

using Pair = std::uint64_t;

Pair pair_of(std::int32_t left, std::int32_t right) {
    return Pair{static_cast<std::uint32_t>(left)} << 32 | static_cast<std::uint32_t>(right);
}

std::int32_t left_of(Pair pair) { return static_cast<std::int32_t>(pair >> 32); }

std::int32_t right_of(Pair pair) { return static_cast<std::int32_t>(pair & 0xFFFFFFFFu); }

struct Occurrences {
    std::int64_t count = 0;
    std::vector<std::uint32_t> words;  ///< that hold the pair, and perhaps some that held it
};

/// A pair and the count that it had when it was put into the queue.
struct Candidate {
    std::int64_t count;
    Pair pair;

    friend bool operator<(const Candidate& a, const Candidate& b) {
        return a.count != b.count ? a.count < b.count : a.pair > b.pair;
    }
};

class Trainer {
  public:
    Trainer(std::vector<TrainingWord> words, std::vector<std::string>& tokens,
            const PairLimits& limits)
        : words_(std::move(words)), tokens_(tokens), limits_(limits) {
        for (std::size_t id = 0; id < tokens.size(); ++id) {
            ids_.emplace(tokens[id], static_cast<std::int32_t>(id));
        }
        for (std::uint32_t word = 0; word < words_.size(); ++word) {
            const auto& pieces = words_[word].pieces;
            for (std::size_t i = 0; i + 1 < pieces.size(); ++i) {
                add(pair_of(pieces[i], pieces[i + 1]), word);
            }
        }
        for (const auto& [pair, found] : pairs_) {
            queue_.push({found.count, pair});
        }
    }

    [[nodiscard]] std::vector<std::pair<std::int32_t, std::int32_t>> run() {
        std::vector<std::pair<std::int32_t, std::int32_t>> merges;
        while (static_cast<std::int64_t>(tokens_.size()) < limits_.tokens && !queue_.empty()) {
            const Candidate best = queue_.top();
            queue_.pop();
            const std::int64_t now = pairs_[best.pair].count;
            if (now != best.count) {
                // The count has fallen since; whatever made it rise has put it in again.
                if (now > 0) {
                    queue_.push({now, best.pair});
                }
                continue;
            }
            if (now < std::max<std::int64_t>(limits_.least_count, 1)) {
                break;
            }
            // A token that two pairs become can stand before the same neighbour again: its pair
            // then has a rank already.
            if (merged_.insert(best.pair).second) {
                merges.emplace_back(left_of(best.pair), right_of(best.pair));
            }
            merge(best.pair);
        }
        return merges;
    }

  private:
    void add(Pair pair, std::uint32_t word) {
        Occurrences& found = pairs_[pair];
        found.count += words_[word].count;
        if (found.words.empty() || found.words.back() != word) {
            found.words.push_back(word);
        }
    }

    /// The id of what a pair becomes; two pairs may become the same.
    [[nodiscard]] std::int32_t joined(Pair pair) {
        std::string_view tail = tokens_[static_cast<std::size_t>(right_of(pair))];
        if (tail.starts_with(limits_.continuation)) {
            tail.remove_prefix(limits_.continuation.size());
        }
        std::string token = tokens_[static_cast<std::size_t>(left_of(pair))];
        token += tail;
        const auto [found, is_new] = ids_.emplace(token, static_cast<std::int32_t>(tokens_.size()));
        if (is_new) {
            tokens_.push_back(std::move(token));
        }
        return found->second;
    }

    void merge(Pair pair) {
        const std::int32_t id = joined(pair);
        const std::vector<std::uint32_t> words = std::move(pairs_[pair].words);
        pairs_[pair].words.clear();
        touched_.clear();
        for (const std::uint32_t word : words) {
            merge_in(word, pair, id);
        }
        pairs_[pair].count = 0;
        std::sort(touched_.begin(), touched_.end());
        touched_.erase(std::unique(touched_.begin(), touched_.end()), touched_.end());
        for (const Pair one : touched_) {
            if (const std::int64_t count = pairs_[one].count; count > 0) {
                queue_.push({count, one});
            }
        }
    }

    void merge_in(std::uint32_t word, Pair pair, std::int32_t id) {
        auto& pieces = words_[word].pieces;
        const std::int64_t count = words_[word].count;
        for (std::size_t i = 0; i + 1 < pieces.size(); ++i) {
            if (pair_of(pieces[i], pieces[i + 1]) != pair) {
                continue;
            }
            if (i > 0) {
                pairs_[pair_of(pieces[i - 1], pieces[i])].count -= count;
                put(pair_of(pieces[i - 1], id), word);
            }
            if (i + 2 < pieces.size()) {
                pairs_[pair_of(pieces[i + 1], pieces[i + 2])].count -= count;
                put(pair_of(id, pieces[i + 2]), word);
            }
            pieces[i] = id;
            pieces.erase(pieces.begin() + static_cast<std::ptrdiff_t>(i) + 1);
        }
    }

    void put(Pair pair, std::uint32_t word) {
        add(pair, word);
        touched_.push_back(pair);
    }

    std::vector<TrainingWord> words_;
    std::vector<std::string>& tokens_;
    const PairLimits& limits_;
    std::unordered_map<std::string, std::int32_t> ids_;
    std::unordered_map<Pair, Occurrences> pairs_;
    std::priority_queue<Candidate> queue_;
    std::vector<Pair> touched_;
    std::unordered_set<Pair> merged_;
};

}  // namespace

std::vector<std::pair<std::int32_t, std::int32_t>> train_pairs(std::vector<TrainingWord> words,
                                                               std::vector<std::string>& tokens,
                                                               const PairLimits& limits) {
    return Trainer(std::move(words), tokens, limits).run();
}

}  // namespace hpml::text
