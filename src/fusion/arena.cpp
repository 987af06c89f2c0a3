#include "fusion/arena.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/zeros.h>

#include "base/error.h"

namespace hpml::fusion {

at::Tensor DeviceMemory::allocate(std::int64_t elements) {
    return at::zeros({elements}, at::TensorOptions().dtype(at::kFloat).device(device_));
}

at::Tensor AllReduceMemory::allocate(std::int64_t elements) {
    const auto memory =
        algorithm_.allocate(Bytes(static_cast<std::uint64_t>(elements) * sizeof(float)));
    return at::from_blob(
        memory.get(), {elements}, [memory](void*) {}, at::TensorOptions().dtype(at::kFloat));
}

Arena::Arena(std::vector<model::LeafSpec> specs, Plan plan, Memory& parameters, Memory& gradients)
    : specs_(std::move(specs)),
      plan_(std::move(plan)),
      parameters_(parameters.allocate(plan_.total)),
      gradients_(gradients.allocate(plan_.total)) {
    expects(specs_.size() == plan_.leaves.size(), "a plan made for these leaves");
    const at::NoGradGuard no_grad;
    for (std::size_t i = 0; i < specs_.size(); ++i) {
        const auto [offset, count] = plan_.leaves[i];
        leaves_.push_back(parameters_.narrow(0, offset, count)
                              .view(specs_[i].shape())
                              .detach()
                              .requires_grad_(true));
    }
    zero_gradients();
}

std::vector<std::pair<std::string, at::Tensor>> Arena::named_parameters() const {
    const at::NoGradGuard no_grad;
    std::vector<std::pair<std::string, at::Tensor>> named;
    for (std::size_t i = 0; i < specs_.size(); ++i) {
        std::int64_t offset = plan_.leaves[i].offset;
        for (const auto& part : specs_[i].parts) {
            named.emplace_back(part.name,
                               parameters_.narrow(0, offset, part.count()).view(part.shape));
            offset += part.count();
        }
    }
    return named;
}

void Arena::zero_gradients() {
    const at::NoGradGuard no_grad;
    gradients_.zero_();
    for (std::size_t i = 0; i < leaves_.size(); ++i) {
        const auto [offset, count] = plan_.leaves[i];
        leaves_[i].mutable_grad() = gradients_.narrow(0, offset, count).view(specs_[i].shape());
    }
}

}  // namespace hpml::fusion
