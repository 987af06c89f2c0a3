#pragma once

#include <cstdint>
#include <vector>

#include "text/word_key.h"

namespace hpml::text {

/// Short words that are one token: open addressing, at most a third full, never changed after it is
/// built, so that threads share it.
class WordTable {
  public:
    /// @param words  that will be added
    explicit WordTable(std::size_t words);

    /// @param id  from 0 @pre the word is not in the table, which has room
    void add(const WordKey& word, std::int32_t id);
    /// The id of a word, -1 if it is not in the table.
    [[nodiscard]] std::int32_t find(const WordKey& word) const {
        for (std::uint64_t at = word.hash() >> shift_;; ++at) {
            const Slot& slot = slots_[at & mask_];
            if (slot.word == word) {
                return slot.id;
            }
            if (slot.id < 0) {
                return -1;
            }
        }
    }

  private:
    struct Slot {
        WordKey word;
        std::int32_t id = -1;
    };

    std::vector<Slot> slots_;
    int shift_ = 0;
    std::uint64_t mask_ = 0;
};

}  // namespace hpml::text
