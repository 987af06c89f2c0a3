#include "base/hash.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <vector>

#include "base/error.h"
#include "base/file.h"

namespace hpml {

namespace {

struct FreeState {
    void operator()(XXH3_state_t* state) const noexcept { XXH3_freeState(state); }
};

Digest to_digest(XXH128_hash_t hash) { return {hash.high64, hash.low64}; }

std::uint64_t parse_word(std::string_view text) {
    std::uint64_t word = 0;
    for (const char c : text) {
        const bool digit = c >= '0' && c <= '9';
        if (!digit && (c < 'a' || c > 'f')) {
            throw InputError("'" + std::string(text) +
                             "' is not a hash (32 hexadecimal digits expected)");
        }
        word = word << 4 | static_cast<std::uint64_t>(digit ? c - '0' : c - 'a' + 10);
    }
    return word;
}

}  // namespace

std::string Digest::hex() const { return fmt::format("{:016x}{:016x}", high, low); }

Digest Digest::from_hex(std::string_view text) {
    if (text.size() != 32) {
        throw InputError("'" + std::string(text.substr(0, 64)) +
                         "' is not a hash (32 hexadecimal digits expected)");
    }
    return {parse_word(text.substr(0, 16)), parse_word(text.substr(16))};
}

struct Hasher::State {
    std::unique_ptr<XXH3_state_t, FreeState> xxh{XXH3_createState()};
};

Hasher::Hasher() : state_(std::make_unique<State>()) { XXH3_128bits_reset(state_->xxh.get()); }
Hasher::~Hasher() = default;
Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;

void Hasher::update(std::span<const std::byte> bytes) {
    XXH3_128bits_update(state_->xxh.get(), bytes.data(), bytes.size());
}

Digest Hasher::digest() const { return to_digest(XXH3_128bits_digest(state_->xxh.get())); }

Digest hash_bytes(std::span<const std::byte> bytes) {
    return to_digest(XXH3_128bits(bytes.data(), bytes.size()));
}

Digest hash_text(std::string_view text) {
    return hash_bytes(std::as_bytes(std::span(text.data(), text.size())));
}

Digest hash_file(const std::filesystem::path& path) {
    InputFile file(path);
    return hash_file(file);
}

Digest hash_file(InputFile& file) {
    Hasher hasher;
    std::vector<std::byte> piece(1 << 20);
    while (const std::size_t got = file.read(piece)) {
        hasher.update(std::span(piece).first(got));
    }
    return hasher.digest();
}

}  // namespace hpml
