#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace hpml::text {

/// How often words occur, in bounded memory: when there are too many different ones, the rarest are
/// forgotten and what comes later must be as frequent (lossy counting, Manku and Motwani 2002).
class WordCounts {
  public:
    /// @param most  different words that are held
    explicit WordCounts(std::size_t most) : most_(most) {}

    void add(std::string_view word);
    /// Words of which some occurrences were forgotten: their least count is that much too low.
    [[nodiscard]] std::int64_t forgotten() const { return floor_; }
    /// By falling count, then by bytes.
    [[nodiscard]] std::vector<std::pair<std::string, std::int64_t>> sorted() const;

  private:
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const {
            return std::hash<std::string_view>()(text);
        }
    };

    std::size_t most_;
    std::int64_t floor_ = 0;
    std::unordered_map<std::string, std::int64_t, Hash, std::equal_to<>> counts_;
};

}  // namespace hpml::text
