#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace hpml {

class InputFile;

/// An XXH3-128 digest: integrity against faults, not against an attacker.
struct Digest {
    std::uint64_t high = 0;
    std::uint64_t low = 0;

    friend bool operator==(const Digest&, const Digest&) = default;
    /// 32 lower-case hexadecimal digits, high word first.
    [[nodiscard]] std::string hex() const;
    /// @throw InputError if `text` is not 32 hexadecimal digits
    [[nodiscard]] static Digest from_hex(std::string_view text);
};

/// Streaming XXH3-128.
class Hasher {
  public:
    Hasher();
    ~Hasher();
    Hasher(Hasher&&) noexcept;
    Hasher& operator=(Hasher&&) noexcept;
    Hasher(const Hasher&) = delete;
    Hasher& operator=(const Hasher&) = delete;

    void update(std::span<const std::byte> bytes);
    void update(std::string_view text) {
        update(std::as_bytes(std::span(text.data(), text.size())));
    }
    [[nodiscard]] Digest digest() const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

[[nodiscard]] Digest hash_bytes(std::span<const std::byte> bytes);
[[nodiscard]] Digest hash_text(std::string_view text);
/// Hash of a whole file, read in 1 MiB pieces.
/// @throw MissingInputError, IoError
[[nodiscard]] Digest hash_file(const std::filesystem::path& path);
/// What is still to be read of one that is open, whoever has its name by now. @throw IoError
[[nodiscard]] Digest hash_file(InputFile& file);

}  // namespace hpml
