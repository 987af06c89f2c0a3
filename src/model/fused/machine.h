#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#include "model/fused/buffers.h"
#include "model/kernels/kernels.h"

namespace hpml::model {

/// Run `body(first, last)` over parts of [0, count), on LibTorch's threads. What it computes must
/// not depend on where the parts are cut. @param grain  the smallest part worth a thread
void in_parallel(std::int64_t count, std::int64_t grain,
                 const std::function<void(std::int64_t, std::int64_t)>& body);

/// What an encoder computes with: kernels, the rounding of factors, memory.
class Machine {
  public:
    Machine(Rounding rounding, std::shared_ptr<BufferPool> pool);

    [[nodiscard]] const Kernels& kernels() const { return *kernels_; }
    [[nodiscard]] Buffer take(std::int64_t count) const { return pool_->take(count); }
    /// Space for `multiply_here`, one for each thread.
    [[nodiscard]] Buffer take_pack_space() const { return pool_->take(kPackFloats); }

    /// A product over all threads; the bits do not depend on their number.
    void multiply(const Product& product) const;
    /// One in the calling thread.
    void multiply_here(Product product, PackSpace space) const {
        product.rounding = rounding_;
        multiply_(product, space);
    }

  private:
    const Kernels* kernels_;
    Rounding rounding_;
    MultiplyNative multiply_;
    std::shared_ptr<BufferPool> pool_;
};

}  // namespace hpml::model
