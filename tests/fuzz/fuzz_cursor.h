#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

namespace hpml::test {

/// Takes values off the front of a fuzzed input; zeros when it is used up.
class FuzzCursor {
  public:
    explicit FuzzCursor(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

    template <class T>
    [[nodiscard]] T take() {
        return take_list<T>(1).front();
    }
    template <class T>
    [[nodiscard]] std::vector<T> take_list(std::size_t count) {
        std::vector<T> values(count);
        const std::size_t taken = std::min(bytes_.size(), count * sizeof(T));
        if (taken > 0) {
            std::memcpy(values.data(), bytes_.data(), taken);
        }
        bytes_ = bytes_.subspan(taken);
        return values;
    }

  private:
    std::span<const std::uint8_t> bytes_;
};

}  // namespace hpml::test
