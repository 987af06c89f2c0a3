#include "tasks/random_batch.h"

#include <vector>

#include "base/philox.h"

namespace hpml::tasks {

corpus::Batch random_batch(const StepBenchOptions& options, std::int64_t number) {
    PhiloxStream stream(philox_key(1, RandomUse::Test), static_cast<std::uint32_t>(number), 0, 0);
    corpus::Batch batch;
    batch.clear();
    const auto length = static_cast<std::size_t>(options.sequence_length);
    const std::vector<std::int32_t> types(length, 0);
    std::vector<std::int32_t> ids(length);
    for (std::int64_t row = 0; row < options.micro_batch; ++row) {
        const auto begin = static_cast<std::int32_t>(batch.token_count());
        for (std::size_t i = 0; i < length; ++i) {
            ids[i] = static_cast<std::int32_t>(
                stream.below(static_cast<std::uint32_t>(options.model.vocabulary_size)));
            if (stream.uniform() < options.masking_rate) {
                batch.mlm_positions.push_back(begin + static_cast<std::int32_t>(i));
                batch.mlm_labels.push_back(ids[i]);
            }
        }
        batch.append(number * options.micro_batch + row, ids, types);
    }
    return batch;
}

}  // namespace hpml::tasks
