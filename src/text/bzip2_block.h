#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace hpml::text {

/// A block of a bzip2 stream, unpacked by itself. The format is that of bzip2 1.0 (J. Seward); its
/// transform is M. Burrows, D. Wheeler, "A block-sorting lossless data compression algorithm",
/// 1994.
///
/// Undoing the transform is a chain of loads that miss the cache: two blocks at once hide each
/// other's waits. With more, what the loads touch outgrows the caches again (a byte took 14 ns
/// alone, 8 with two, 7 to 18 with three, 8 to 23 with four).
class Bzip2Block {
  public:
    static constexpr std::size_t kLanes = 2;       ///< blocks that are worth inverting at once
    static constexpr std::size_t kMagicBits = 48;  ///< of the number before a block
    static constexpr std::uint64_t kMagic = 0x314159265359;
    /// 900,000 symbols of at most 20 bits, and the tables before them.
    static constexpr std::size_t kLongest = std::size_t{5} << 19;
    /// Zeros that must stand behind the bytes of a block, so that it is decoded without looking for
    /// their end at each symbol.
    static constexpr std::size_t kMargin = 256;

    enum class Parsed { Whole, Damaged, CutShort, Randomised };

    /// Undo the block's Huffman coding and move-to-front.
    /// @param bytes  without the margin, which follows them
    /// @param bit  in them: the block's magic number
    [[nodiscard]] Parsed parse(std::span<const std::uint8_t> bytes, std::uint64_t bit);
    /// The first bit behind the block, in the bytes it was parsed from.
    [[nodiscard]] std::uint64_t end() const noexcept { return end_; }
    /// The sum that the file has for the block.
    [[nodiscard]] std::uint32_t sum() const noexcept { return stored_sum_; }

    /// Undo the transform of blocks that are parsed. @param blocks  at most kLanes
    static void invert(std::span<Bzip2Block* const> blocks);

    /// The next bytes of an inverted block. @return how many; 0 at its end
    [[nodiscard]] std::size_t read(std::span<char> bytes);
    /// At the end: whether the bytes that were read have the block's sum.
    [[nodiscard]] bool is_sound() const noexcept { return (sum_ ^ 0xFFFFFFFFU) == stored_sum_; }

  private:
    static constexpr std::size_t kMostTables = 6;
    static constexpr std::size_t kMostSymbols = 258;
    static constexpr unsigned kQuickBits = 10;
    static constexpr unsigned kLongestCode = 20;

    /// A Huffman code. `quick` has for the next kQuickBits bits symbol * 32 + length, 0 where the
    /// code is longer.
    struct Table {
        std::array<std::uint16_t, std::size_t{1} << kQuickBits> quick;
        std::array<std::uint32_t, kLongestCode + 2> limit;  ///< codes of a length are below this
        std::array<std::int32_t, kLongestCode + 2> base;    ///< their symbol: by_code[code - base]
        std::array<std::uint16_t, kMostSymbols> by_code;
    };

    [[nodiscard]] std::uint64_t peek() const;
    [[nodiscard]] std::uint32_t take(unsigned count);
    [[nodiscard]] bool read_alphabet();
    [[nodiscard]] bool read_selectors();
    [[nodiscard]] bool read_lengths(std::size_t symbols);
    [[nodiscard]] bool make_table(Table& table, std::span<const std::uint8_t> lengths);
    [[nodiscard]] bool read_symbols();
    [[nodiscard]] std::uint32_t read_symbol(const Table& table);
    void link();
    template <std::size_t Lanes>
    static void follow(std::span<Bzip2Block* const> blocks, std::size_t count);

    const std::uint8_t* bytes_ = nullptr;
    std::uint64_t at_ = 0;    ///< next bit
    std::uint64_t most_ = 0;  ///< bits there are
    std::uint64_t end_ = 0;
    std::uint32_t stored_sum_ = 0;
    std::uint32_t origin_ = 0;  ///< where the text begins in the sorted block
    std::size_t used_ = 0;      ///< different bytes in the block
    std::array<std::uint8_t, 256> alphabet_{};
    std::array<Table, kMostTables> tables_;
    std::size_t table_count_ = 0;
    std::vector<std::uint8_t> selectors_;
    std::vector<std::uint32_t> links_;  ///< low byte: the last column; above: where to go next
    std::vector<std::uint8_t> text_;    ///< before its runs are expanded
    std::size_t size_ = 0;
    std::size_t inverted_ = 0;  ///< bytes of the text that are there
    std::uint32_t next_ = 0;    ///< the chain's place
    std::size_t read_ = 0;      ///< of the text
    unsigned run_ = 0;          ///< equal bytes so far
    std::size_t pending_ = 0;   ///< repetitions of `last_` still to give
    std::uint8_t last_ = 0;
    std::uint32_t sum_ = 0;
};

}  // namespace hpml::text
