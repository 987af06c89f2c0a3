#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <filesystem>

namespace hpml::comm {

/// The last 4096 things that this rank's communication did, for the page that is read after a
/// hang. Written by the threads that communicate, without locks or allocation; dumped by the
/// watchdog.
class FlightRecorder {
  public:
    enum class Event : std::uint8_t { Submit, Start, Finish, Enter, Leave };
    static constexpr std::size_t kCapacity = 4096;

    /// Where operations that are submitted are counted too; null: nowhere. Before the first note.
    void count_submitted_in(std::atomic<std::uint64_t>* counter) noexcept { counter_ = counter; }

    /// @param number  of the operation or the wait
    /// @param detail  bytes of an operation, step of a wait
    void note(Event event, std::uint64_t number, std::uint64_t detail) noexcept;

    /// JSON lines, oldest first: {"seconds", "event", "number", "detail"}, seconds since the
    /// recorder was made.
    /// @throw OutputError, IoError
    void dump(const std::filesystem::path& file) const;

  private:
    struct Entry {
        std::atomic<double> seconds{0};
        std::atomic<std::uint64_t> number{0};
        std::atomic<std::uint64_t> detail{0};
        std::atomic<Event> event{Event::Submit};
    };
    std::array<Entry, kCapacity> entries_;
    std::atomic<std::uint64_t> noted_{0};
    std::atomic<std::uint64_t>* counter_ = nullptr;
    double start_ = now_seconds();

    [[nodiscard]] static double now_seconds() noexcept;
};

}  // namespace hpml::comm
