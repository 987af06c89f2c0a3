#include "text/bzip2_block.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

namespace hpml::text {

namespace {

constexpr std::size_t kMostBytes = 900000;
constexpr std::size_t kGroup = 50;  ///< symbols that one selector stands for
constexpr std::size_t kMostSelectors = 2 + kMostBytes / kGroup;

static_assert(std::endian::native == std::endian::little);

}  // namespace

/// At least 57 bits from the current one, in the highest places.
inline std::uint64_t Bzip2Block::peek() const {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes_ + at_ / 8, sizeof word);
    return __builtin_bswap64(word) << (at_ % 8);
}

/// Beyond the end of the bytes come zeros, and the position stays in the margin.
std::uint32_t Bzip2Block::take(unsigned count) {
    if (at_ > most_) {
        return 0;
    }
    const auto value = static_cast<std::uint32_t>(peek() >> (64 - count));
    at_ += count;
    return value;
}

Bzip2Block::Parsed Bzip2Block::parse(std::span<const std::uint8_t> bytes, std::uint64_t bit) {
    bytes_ = bytes.data();
    most_ = bytes.size() * 8;
    at_ = bit + kMagicBits;
    stored_sum_ = take(32);
    if (take(1) != 0) {
        return at_ > most_ ? Parsed::CutShort : Parsed::Randomised;
    }
    origin_ = take(24);
    const bool is_whole = read_alphabet() && read_selectors() && read_lengths(used_ + 2) &&
                          read_symbols() && origin_ < size_;
    if (at_ > most_) {
        return Parsed::CutShort;
    }
    if (!is_whole) {
        return Parsed::Damaged;
    }
    end_ = at_;
    link();
    inverted_ = 0;
    read_ = 0;
    run_ = 0;
    pending_ = 0;
    sum_ = 0xFFFFFFFF;
    return Parsed::Whole;
}

bool Bzip2Block::read_alphabet() {
    const std::uint32_t ranges = take(16);
    used_ = 0;
    for (unsigned range = 0; range < 16; ++range) {
        if ((ranges >> (15 - range) & 1) == 0) {
            continue;
        }
        const std::uint32_t bytes = take(16);
        for (unsigned byte = 0; byte < 16; ++byte) {
            if ((bytes >> (15 - byte) & 1) != 0) {
                alphabet_[used_++] = static_cast<std::uint8_t>(range * 16 + byte);
            }
        }
    }
    return used_ > 0;
}

bool Bzip2Block::read_selectors() {
    table_count_ = take(3);
    const std::size_t count = take(15);
    if (table_count_ < 2 || table_count_ > kMostTables || count == 0) {
        return false;
    }
    std::array<std::uint8_t, kMostTables> order{0, 1, 2, 3, 4, 5};
    selectors_.clear();
    for (std::size_t i = 0; i < count; ++i) {
        std::size_t place = 0;
        while (take(1) != 0) {
            if (++place >= table_count_) {
                return false;
            }
        }
        std::rotate(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(place),
                    order.begin() + static_cast<std::ptrdiff_t>(place) + 1);
        // Some writers pad the list; more than a block can need are never used.
        if (selectors_.size() < kMostSelectors) {
            selectors_.push_back(order[0]);
        }
    }
    return true;
}

bool Bzip2Block::read_lengths(std::size_t symbols) {
    std::array<std::uint8_t, kMostSymbols> lengths{};
    for (std::size_t table = 0; table < table_count_; ++table) {
        unsigned length = take(5);
        for (std::size_t symbol = 0; symbol < symbols; ++symbol) {
            while (take(1) != 0) {
                length += take(1) != 0 ? ~0U : 1U;
                if (length < 1 || length > kLongestCode) {
                    return false;
                }
            }
            if (length < 1 || length > kLongestCode) {
                return false;
            }
            lengths[symbol] = static_cast<std::uint8_t>(length);
        }
        if (!make_table(tables_[table], std::span(lengths).first(symbols))) {
            return false;
        }
    }
    return true;
}

/// Codes rise with their length, and with the symbol among those of a length.
bool Bzip2Block::make_table(Table& table, std::span<const std::uint8_t> lengths) {
    table.quick.fill(0);
    std::uint32_t code = 0;
    std::size_t placed = 0;
    for (unsigned length = 1; length <= kLongestCode; ++length) {
        code <<= 1;
        table.base[length] = static_cast<std::int32_t>(code) - static_cast<std::int32_t>(placed);
        for (std::size_t symbol = 0; symbol < lengths.size(); ++symbol) {
            if (lengths[symbol] != length) {
                continue;
            }
            if (code >> length != 0) {
                return false;
            }
            table.by_code[placed++] = static_cast<std::uint16_t>(symbol);
            if (length <= kQuickBits) {
                const std::size_t first = std::size_t{code} << (kQuickBits - length);
                std::fill_n(table.quick.begin() + static_cast<std::ptrdiff_t>(first),
                            std::size_t{1} << (kQuickBits - length),
                            static_cast<std::uint16_t>(symbol * 32 + length));
            }
            ++code;
        }
        table.limit[length] = code;
    }
    return true;
}

/// @return kMostSymbols for bits that are no code
inline std::uint32_t Bzip2Block::read_symbol(const Table& table) {
    const std::uint64_t bits = peek();
    const std::uint16_t quick = table.quick[bits >> (64 - kQuickBits)];
    if (quick != 0) {
        at_ += quick % 32;
        return quick / 32;
    }
    for (unsigned length = kQuickBits + 1; length <= kLongestCode; ++length) {
        const auto code = static_cast<std::uint32_t>(bits >> (64 - length));
        if (code < table.limit[length]) {
            at_ += length;
            return table.by_code[static_cast<std::size_t>(static_cast<std::int32_t>(code) -
                                                          table.base[length])];
        }
    }
    return kMostSymbols;
}

namespace {

/// Take the byte at a place of the list and put it to the front.
inline std::uint8_t move_to_front(std::array<std::uint8_t, 256>& list, std::uint32_t place) {
    const std::uint8_t byte = list[place];
    if (place < 8) {
        // Most moves are short: the first eight bytes as one word.
        std::uint64_t first = 0;
        std::memcpy(&first, list.data(), sizeof first);
        const std::uint64_t kept = ~std::uint64_t{0xFF} << (8 * place);
        first = (first & kept) | (((first << 8) | byte) & ~kept);
        std::memcpy(list.data(), &first, sizeof first);
    } else {
        std::memmove(list.data() + 1, list.data(), place);
        list[0] = byte;
    }
    return byte;
}

}  // namespace

bool Bzip2Block::read_symbols() {
    links_.resize(kMostBytes);
    std::array<std::uint8_t, 256> list = alphabet_;
    const auto end_symbol = static_cast<std::uint32_t>(used_ + 1);
    std::size_t run = 0;
    std::size_t weight = 1;
    size_ = 0;
    for (const std::uint8_t selector : selectors_) {
        const Table& table = tables_[selector];
        for (std::size_t i = 0; i < kGroup && at_ <= most_; ++i) {
            const std::uint32_t symbol = read_symbol(table);
            if (symbol <= 1) {
                // The length of a run is a number whose digits are 1 and 2, the lowest first.
                run += weight << symbol;
                weight *= 2;
                if (run > kMostBytes - size_) {
                    return false;
                }
                continue;
            }
            std::fill_n(links_.begin() + static_cast<std::ptrdiff_t>(size_), run, list[0]);
            size_ += std::exchange(run, 0);
            weight = 1;
            if (symbol >= end_symbol) {
                return symbol == end_symbol;
            }
            if (size_ == kMostBytes) {
                return false;
            }
            links_[size_++] = move_to_front(list, symbol - 1);
        }
    }
    return false;
}

/// The k-th of a byte in the last column is the k-th in the first: link each to its follower.
void Bzip2Block::link() {
    std::array<std::uint32_t, 256> first{};
    for (std::size_t i = 0; i < size_; ++i) {
        ++first[links_[i]];
    }
    std::uint32_t sum = 0;
    for (std::uint32_t& place : first) {
        sum += std::exchange(place, sum);
    }
    for (std::size_t i = 0; i < size_; ++i) {
        links_[first[links_[i] & 0xFF]++] |= static_cast<std::uint32_t>(i << 8);
    }
    next_ = links_[origin_] >> 8;
    text_.resize(kMostBytes);
}

template <std::size_t Lanes>
void Bzip2Block::follow(std::span<Bzip2Block* const> blocks, std::size_t count) {
    std::array<const std::uint32_t*, Lanes> links;
    std::array<std::uint8_t*, Lanes> texts;
    std::array<std::uint32_t, Lanes> places;
    for (std::size_t lane = 0; lane < Lanes; ++lane) {
        links[lane] = blocks[lane]->links_.data();
        texts[lane] = blocks[lane]->text_.data() + blocks[lane]->inverted_;
        places[lane] = blocks[lane]->next_;
    }
    for (std::size_t i = 0; i < count; ++i) {
        for (std::size_t lane = 0; lane < Lanes; ++lane) {
            const std::uint32_t link = links[lane][places[lane]];
            texts[lane][i] = static_cast<std::uint8_t>(link);
            places[lane] = link >> 8;
        }
    }
    for (std::size_t lane = 0; lane < Lanes; ++lane) {
        blocks[lane]->next_ = places[lane];
        blocks[lane]->inverted_ += count;
    }
}

void Bzip2Block::invert(std::span<Bzip2Block* const> blocks) {
    std::array<Bzip2Block*, kLanes> open{};
    const std::size_t lanes = blocks.size();
    std::ranges::copy(blocks, open.begin());
    if (lanes == kLanes) {
        const auto [shorter, longer] = std::ranges::minmax(open, {}, &Bzip2Block::size_);
        follow<kLanes>(open, shorter->size_);
        open[0] = longer;
    }
    if (lanes > 0) {
        follow<1>(std::span(open).first(1), open[0]->size_ - open[0]->inverted_);
    }
}

namespace {

/// For eight bytes at once: tables[k][b] is the sum of byte b with k zeros behind.
constexpr std::array<std::array<std::uint32_t, 256>, 8> make_sums() {
    constexpr std::uint32_t kPolynomial = 0x04C11DB7;
    std::array<std::array<std::uint32_t, 256>, 8> tables{};
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
        std::uint32_t sum = byte << 24;
        for (int bit = 0; bit < 8; ++bit) {
            sum = (sum << 1) ^ ((sum >> 31) * kPolynomial);
        }
        tables[0][byte] = sum;
    }
    for (std::size_t zeros = 1; zeros < 8; ++zeros) {
        for (std::size_t byte = 0; byte < 256; ++byte) {
            const std::uint32_t sum = tables[zeros - 1][byte];
            tables[zeros][byte] = (sum << 8) ^ tables[0][sum >> 24];
        }
    }
    return tables;
}

constexpr std::array<std::array<std::uint32_t, 256>, 8> kSums = make_sums();

std::uint32_t add_to_sum(std::uint32_t sum, std::span<const char> bytes) {
    const auto* at = reinterpret_cast<const std::uint8_t*>(bytes.data());
    std::size_t left = bytes.size();
    for (; left >= 8; left -= 8, at += 8) {
        const std::uint32_t high = sum ^ (std::uint32_t{at[0]} << 24 | std::uint32_t{at[1]} << 16 |
                                          std::uint32_t{at[2]} << 8 | at[3]);
        sum = kSums[7][high >> 24] ^ kSums[6][high >> 16 & 0xFF] ^ kSums[5][high >> 8 & 0xFF] ^
              kSums[4][high & 0xFF] ^ kSums[3][at[4]] ^ kSums[2][at[5]] ^ kSums[1][at[6]] ^
              kSums[0][at[7]];
    }
    for (; left > 0; --left, ++at) {
        sum = (sum << 8) ^ kSums[0][(sum >> 24) ^ *at];
    }
    return sum;
}

}  // namespace

std::size_t Bzip2Block::read(std::span<char> bytes) {
    std::size_t out = 0;
    while (out < bytes.size()) {
        if (pending_ > 0) {
            const std::size_t count = std::min(pending_, bytes.size() - out);
            std::memset(bytes.data() + out, last_, count);
            out += count;
            pending_ -= count;
            continue;
        }
        if (read_ == size_) {
            break;
        }
        const std::uint8_t byte = text_[read_++];
        if (run_ == 4) {
            // Behind four equal bytes stands how many more there are.
            pending_ = byte;
            run_ = 0;
            continue;
        }
        run_ = byte == last_ && run_ > 0 ? run_ + 1 : 1;
        last_ = byte;
        bytes[out++] = static_cast<char>(byte);
    }
    sum_ = add_to_sum(sum_, bytes.first(out));
    return out;
}

}  // namespace hpml::text
