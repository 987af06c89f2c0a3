#pragma once

#include <algorithm>
#include <cstddef>

namespace hpml::comm {

/// A part of a buffer, in elements.
struct Extent {
    std::size_t begin = 0;
    std::size_t count = 0;
};

/// Which elements travel when in a ring all-reduce: 2(N-1) steps, N-1 of reduce-scatter and N-1 of
/// all-gather (Patarasuk and Yuan, "Bandwidth optimal all-reduce algorithms", JPDC 2009). A pure
/// function of (count, ranks, segment), so that the order of additions never depends on timing: the
/// sum of chunk c is ((x_c + x_{c+1}) + x_{c+2}) + ... over ranks modulo N.
struct RingSchedule {
    std::size_t count = 0;    ///< elements in the buffer
    std::size_t ranks = 1;    ///< N
    std::size_t rank = 0;     ///< this one
    std::size_t segment = 1;  ///< elements per message at most

    [[nodiscard]] std::size_t steps() const { return 2 * (ranks - 1); }
    /// Whether a message that arrives in this step is to be added (else it is the final sum).
    [[nodiscard]] bool reduces(std::size_t step) const { return step < ranks - 1; }
    [[nodiscard]] std::size_t chunk_sent(std::size_t step) const {
        return (rank + 2 * ranks - step) % ranks;
    }
    [[nodiscard]] std::size_t chunk_received(std::size_t step) const {
        return (rank + 2 * ranks - step - 1) % ranks;
    }
    /// Chunk c of N: sizes differ by one element at most, the longer ones first.
    [[nodiscard]] Extent chunk(std::size_t index) const {
        const std::size_t base = count / ranks;
        const std::size_t longer = count % ranks;
        return {index * base + std::min(index, longer), base + (index < longer ? 1 : 0)};
    }
    [[nodiscard]] std::size_t segments(std::size_t chunk_index) const {
        const std::size_t size = chunk(chunk_index).count;
        return size / segment + (size % segment != 0 ? 1 : 0);
    }
    [[nodiscard]] Extent part(std::size_t chunk_index, std::size_t segment_index) const {
        const Extent whole = chunk(chunk_index);
        const std::size_t offset = segment_index * segment;
        return {whole.begin + offset, std::min(segment, whole.count - offset)};
    }
};

/// A message of a rank's sequence: segment `segment` of the chunk of step `step`.
struct RingPosition {
    std::size_t step = 0;
    std::size_t segment = 0;

    [[nodiscard]] bool is_before(const RingPosition& other) const {
        return step < other.step || (step == other.step && segment < other.segment);
    }
};

}  // namespace hpml::comm
