#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>

#include "corpus/loader.h"
#include "corpus/manifest.h"
#include "tasks/pretrain.h"
#include "train/replica.h"

namespace hpml::tasks {

/// Masks the validation split, whatever the seed of a run: so that runs of different seeds can be
/// compared by their validation loss.
inline constexpr std::uint64_t kValidationSeed = 42;

/// The loss on the validation split, which is masked the same way every time and in every run.
class Validator {
  public:
    /// All must outlive this. Local.
    /// @param loader  of the training split
    Validator(const std::filesystem::path& data, const corpus::Manifest& manifest,
              const corpus::LoaderOptions& loader);

    /// Mean loss in nats per masked token of the whole split, weighted by tokens over all ranks.
    /// Collective.
    /// @param is_stopped  asked between the micro-batches, collectively: whether to break off
    /// @return nothing if it was broken off
    [[nodiscard]] std::optional<train::ValidationRecord> run(
        Step done, train::Replica& replica, const PretrainContext& context,
        const std::function<bool()>& is_stopped) const;

  private:
    corpus::ValidationSet set_;
};

}  // namespace hpml::tasks
