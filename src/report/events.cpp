#include "report/events.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cerrno>
#include <chrono>

#include "base/error.h"
#include "base/host.h"

namespace hpml {

namespace {

static_assert(std::endian::native == std::endian::little, "the file format is little-endian");

constexpr std::array<std::uint32_t, 256> make_crc_table() {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t i = 0; i < table.size(); ++i) {
        std::uint32_t value = i;
        for (int bit = 0; bit < 8; ++bit) {
            value = (value >> 1) ^ ((value & 1) != 0 ? 0x82f63b78U : 0U);
        }
        table[i] = value;
    }
    return table;
}

constexpr auto kCrcTable = make_crc_table();

/// TFRecord's own: a checksum of data that holds checksums would say little.
std::uint32_t masked(std::uint32_t crc) { return ((crc >> 15) | (crc << 17)) + 0xa282ead8U; }

template <class T>
std::string raw(T value) {
    const auto bytes = std::bit_cast<std::array<char, sizeof(T)>>(value);
    return {bytes.data(), bytes.size()};
}

// Protocol buffers' wire format: a key of field number and type, then the value.
enum class WireType : std::uint8_t { Varint = 0, Fixed64 = 1, Bytes = 2, Fixed32 = 5 };

std::string varint(std::uint64_t value) {
    std::string text;
    for (; value >= 0x80; value >>= 7) {
        text += static_cast<char>((value & 0x7f) | 0x80);
    }
    return text + static_cast<char>(value);
}

std::string key(int field, WireType type) {
    return varint(static_cast<std::uint64_t>(field) << 3 | static_cast<std::uint64_t>(type));
}

std::string bytes_field(int field, std::string_view content) {
    return key(field, WireType::Bytes) + varint(content.size()) + std::string(content);
}

/// Event.wall_time and Event.step.
std::string event_head(Step step) {
    const double seconds =
        std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
    return key(1, WireType::Fixed64) + raw(seconds) + key(2, WireType::Varint) +
           varint(static_cast<std::uint64_t>(step.value));
}

std::uint32_t checksum(std::string_view text) {
    return masked(crc32c(std::as_bytes(std::span(text.data(), text.size()))));
}

}  // namespace

std::uint32_t crc32c(std::span<const std::byte> bytes) {
    std::uint32_t crc = ~0U;
    for (const std::byte byte : bytes) {
        crc = kCrcTable[(crc ^ static_cast<std::uint32_t>(byte)) & 0xff] ^ (crc >> 8);
    }
    return ~crc;
}

EventsLog::EventsLog(const std::filesystem::path& folder, Step resume_step,
                     std::function<void(const std::string& reason)> warn)
    : warn_(std::move(warn)) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(
                             std::chrono::system_clock::now().time_since_epoch())
                             .count();
    const auto path =
        folder / fmt::format("events.out.tfevents.{:010}.{}.{}", seconds, host_name(), ::getpid());
    handle_ = FileHandle(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
    if (!handle_.is_open()) {
        warn_("cannot open " + path.string() + ": " + errno_text(errno));
        return;
    }
    write(event_head(Step(0)) + bytes_field(3, "brain.Event:2"));
    restart(resume_step);
}

void EventsLog::append(Step step, const std::vector<Scalar>& scalars) {
    std::string summary;
    for (const auto& [tag, value] : scalars) {
        const std::string scalar =
            bytes_field(1, tag) + key(2, WireType::Fixed32) + raw(static_cast<float>(value));
        summary += bytes_field(1, scalar);
    }
    write(event_head(step) + bytes_field(5, summary));
}

void EventsLog::restart(Step step) {
    // SessionLog.status = START: TensorBoard drops older events of this step and later ones.
    const Step first(step.value + 1);
    write(event_head(first) + bytes_field(7, key(1, WireType::Varint) + varint(1)));
}

void EventsLog::write(std::string_view event) {
    if (!handle_.is_open()) {
        return;
    }
    const std::string length = raw(static_cast<std::uint64_t>(event.size()));
    const std::string record =
        length + raw(checksum(length)) + std::string(event) + raw(checksum(event));
    try {
        write_all(handle_.get(), std::as_bytes(std::span(record.data(), record.size())),
                  "the TensorBoard events");
    } catch (const IoError& failure) {
        // Half a record may stand there, behind which no reader finds anything.
        (void)handle_.close();
        warn_(failure.what());
    }
}

}  // namespace hpml
