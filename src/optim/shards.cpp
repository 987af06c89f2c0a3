#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "base/error.h"
#include "optim/layout.h"
#include "optim/optimizer.h"

namespace hpml::optim {

namespace {

/// Where a shard may end, in order, but for 0 and the end.
std::vector<std::int64_t> boundaries(const std::vector<Segment>& segments,
                                     const OptimizerOptions& options) {
    const bool whole_tensors = options.name == "adafactor" || options.name == "muon";
    std::vector<std::int64_t> places;
    for (const std::size_t i : by_place(segments)) {
        const Segment& segment = segments[i];
        const std::int64_t step =
            whole_tensors ? std::max<std::int64_t>(1, segment.count()) : kBlockElements;
        for (std::int64_t done = 0; done < segment.count(); done += step) {
            places.push_back(segment.offset + done);
        }
    }
    return places;
}

/// The number nearest to `wanted`.
std::int64_t nearest(const std::vector<std::int64_t>& sorted, std::int64_t wanted) {
    const auto above = std::lower_bound(sorted.begin(), sorted.end(), wanted);
    if (above == sorted.begin()) {
        return sorted.front();
    }
    const auto below = std::prev(above);
    return above == sorted.end() || wanted - *below <= *above - wanted ? *below : *above;
}

}  // namespace

std::vector<Shard> shards(const std::vector<Segment>& segments, std::int64_t total, int ranks,
                          const OptimizerOptions& options) {
    expects(ranks > 0, "at least one rank");
    std::vector<std::int64_t> places = boundaries(segments, options);
    places.insert(places.begin(), 0);
    places.push_back(total);
    std::vector<Shard> all;
    std::int64_t begin = 0;
    for (int rank = 1; rank <= ranks; ++rank) {
        const std::int64_t wanted = total / ranks * rank + total % ranks * rank / ranks;
        const std::int64_t end = rank == ranks ? total : std::max(begin, nearest(places, wanted));
        all.push_back({begin, end});
        begin = end;
    }
    return all;
}

}  // namespace hpml::optim
