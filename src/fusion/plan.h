#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/hash.h"
#include "base/units.h"
#include "model/parameters.h"

namespace hpml::fusion {

/// Where one leaf lies in the flat buffers, in elements.
struct Placement {
    std::int64_t offset = 0;
    std::int64_t count = 0;
};

/// A contiguous interval of the gradient buffer that is all-reduced as one: whole leaves
/// first_leaf..last_leaf.
struct Bucket {
    std::int64_t begin = 0;  ///< elements
    std::int64_t end = 0;
    std::size_t first_leaf = 0;
    std::size_t last_leaf = 0;
};

/// The fixed map parameter -> (bucket, offset), computed once before step 0. Leaves lie in forward
/// order, each aligned to 64 bytes; buckets are cut from the end, because the backward pass
/// finishes the last leaves first, and always leave in index order, so the ranks need no
/// negotiation.
struct Plan {
    std::vector<Placement> leaves;
    std::vector<Bucket> buckets;  ///< index 0 leaves first
    std::int64_t total = 0;       ///< elements of each flat buffer

    /// The same on all ranks, or they would add different things: compared once at start.
    [[nodiscard]] Digest digest() const;
};

/// @param bucket_size  a bucket is closed when it has at least this size; a larger leaf is a bucket
/// of its own
/// @param first_bucket_size  likewise of the one that leaves first, where that is less: a small one
/// sets communication going early; 0: like the others
/// @throw UsageError for two tensors of the same name
[[nodiscard]] Plan make_plan(const std::vector<model::LeafSpec>& specs, Bytes bucket_size,
                             Bytes first_bucket_size = Bytes(0));

/// One line per tensor (name, shape and place) and per bucket, to be compared over the ranks.
[[nodiscard]] std::string to_text(const Plan& plan, const std::vector<model::LeafSpec>& specs);

/// "bucket 3: FIRST to LAST", by the names of its tensors.
[[nodiscard]] std::string name_of_bucket(const Plan& plan, std::size_t bucket,
                                         const std::vector<model::LeafSpec>& specs);

}  // namespace hpml::fusion
