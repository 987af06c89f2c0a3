#pragma once

#include <memory>

#include "comm/all_reduce.h"
#include "comm/operation_pool.h"

namespace hpml::comm {

/// Lets an algorithm that combines rank by rank sum 16-bit floating types in fp32 with one
/// rounding, and average short whole numbers without overflow: such buffers travel in a wider type.
/// Others pass through.
class Widened final : public Algorithm {
  public:
    explicit Widened(std::unique_ptr<Algorithm> inner);
    ~Widened() override;
    Widened(const Widened&) = delete;
    Widened& operator=(const Widened&) = delete;
    Widened(Widened&&) = delete;
    Widened& operator=(Widened&&) = delete;

    [[nodiscard]] std::string_view name() const override { return inner_->name(); }
    [[nodiscard]] OperationHandle start(const Buffer& buffer) override;
    [[nodiscard]] std::size_t most_under_way() const override { return inner_->most_under_way(); }
    [[nodiscard]] std::shared_ptr<std::byte> allocate(Bytes size) override {
        return inner_->allocate(size);
    }

  private:
    class Run;
    std::unique_ptr<Algorithm> inner_;
    OperationPool<Run> pool_;
};

}  // namespace hpml::comm
