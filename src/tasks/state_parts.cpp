#include "tasks/state_parts.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <utility>

#include "base/hash.h"
#include "base/json.h"

namespace hpml::tasks {

namespace {

using checkpoint::Place;
using checkpoint::TensorPart;

std::vector<std::int64_t> shape_of(const TensorPart& part) {
    return part.place ? part.place->shape : part.tensor.sizes().vec();
}

/// Names, types and shapes of whole tensors, and whether this rank holds all of them.
std::string heads_text(const std::vector<TensorPart>& parts) {
    Json heads = Json::array();
    for (const TensorPart& part : parts) {
        heads.push_back({part.name, static_cast<int>(part.tensor.scalar_type()), shape_of(part),
                         part.place.has_value()});
    }
    return heads.dump();
}

bool is_the_same_everywhere(const std::string& text, const mpi::Communicator& ranks) {
    const auto digests = ranks.all_gather(hash_text(text).hex());
    return std::all_of(digests.begin(), digests.end(),
                       [&](const std::string& digest) { return digest == digests.front(); });
}

}  // namespace

std::vector<TensorPart> state_parts(optim::Optimizer& optimizer) {
    std::vector<TensorPart> parts;
    for (optim::StateTensor& piece : optimizer.state()) {
        const bool is_whole = piece.is_whole();
        parts.push_back({std::move(piece.name), std::move(piece.tensor)});
        if (!is_whole) {
            parts.back().place = Place{std::move(piece.whole), piece.first};
        }
    }
    return parts;
}

std::vector<TensorPart> state_parts_for_file(optim::Optimizer& optimizer,
                                             const mpi::Communicator& ranks) {
    std::vector<TensorPart> parts = state_parts(optimizer);
    const std::string own = heads_text(parts);
    const bool has_pieces =
        std::any_of(parts.begin(), parts.end(), [](const TensorPart& part) { return part.place; });
    const bool is_replicated = is_the_same_everywhere(own, ranks);
    std::int64_t sharded = has_pieces || !is_replicated ? 1 : 0;
    ranks.max(std::span(&sharded, 1));
    if (sharded == 0) {
        return parts;
    }
    std::set<std::string> known;
    for (TensorPart& part : parts) {
        known.insert(part.name);
        if (!part.place) {
            part.place = Place{part.tensor.sizes().vec(), 0};
        }
    }
    for (const std::string& text : ranks.all_gather(own)) {
        for (const Json& head : parse_json(text, "the names of the state's tensors", mib(16))) {
            const auto name = head.at(0).get<std::string>();
            if (known.insert(name).second) {
                const auto type = static_cast<at::ScalarType>(head.at(1).get<int>());
                parts.push_back({name, at::empty({0}, type),
                                 Place{head.at(2).get<std::vector<std::int64_t>>(), 0}});
            }
        }
    }
    return parts;
}

}  // namespace hpml::tasks
