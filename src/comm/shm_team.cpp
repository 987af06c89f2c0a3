#include "comm/shm_team.h"

#include <new>

namespace hpml::comm {

namespace {

constexpr std::size_t kPage = 4096;

constexpr std::size_t whole_pages(std::size_t bytes) { return (bytes + kPage - 1) / kPage * kPage; }

constexpr std::size_t kBoardAt = 0;
constexpr std::size_t kLineAt = whole_pages(sizeof(ShmBoard));
constexpr std::size_t kBriefAt = kLineAt + whole_pages(sizeof(ShmLine));
constexpr std::size_t kStagingAt = kBriefAt + kShmSlots * ShmTeam::kBriefSize;

}  // namespace

std::size_t ShmTeam::part_size() { return kStagingAt + 2 * kPieceSize; }

void ShmTeam::place(int own_rank, const std::vector<std::byte*>& parts) {
    rank = own_rank;
    // Zeroed memory holds these objects already: all their members are zero at first, and another
    // rank may have begun to use its own.
    board = std::launder(reinterpret_cast<ShmBoard*>(parts.front() + kBoardAt));
    for (std::byte* part : parts) {
        lines.push_back(std::launder(reinterpret_cast<ShmLine*>(part + kLineAt)));
        brief.push_back(part + kBriefAt);
        staging.push_back(part + kStagingAt);
    }
}

}  // namespace hpml::comm
