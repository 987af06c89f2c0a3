#include <algorithm>

#include "comm/shm_run.h"

namespace hpml::comm {

void ShmBrief::begin(const Buffer& buffer) { enqueue(buffer, 0, 0); }

void ShmBrief::prepare() {
    for (std::size_t rank = 0; rank < team().size(); ++rank) {
        inputs_[rank] = team().brief[rank] + slot() * ShmTeam::kBriefSize;
    }
    std::copy_n(buffer().data, buffer().size().value,
                team().brief[static_cast<std::size_t>(team().rank)] + slot() * ShmTeam::kBriefSize);
}

bool ShmBrief::work() {
    outputs_.front() = buffer().data;
    set_found(reduce_to(1, buffer().count));
    return true;
}

}  // namespace hpml::comm
