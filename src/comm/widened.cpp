#include "comm/widened.h"

#include <utility>
#include <vector>

#include "comm/kernels/convert.h"

namespace hpml::comm {

class Widened::Run final : public Operation {
  public:
    explicit Run(OperationPool<Run>& pool) : pool_(pool) {}

    void begin(Algorithm& inner, const Buffer& buffer) {
        buffer_ = buffer;
        Buffer wide = buffer;
        wide.type = travel_type(buffer.type, buffer.op);
        wide_.resize(wide.size().value);
        wide.data = wide_.data();
        widen(buffer, wide.data);
        inner_ = inner.start(wide);
    }

    bool advance() override {
        if (inner_ && inner_->advance()) {
            narrow(wide_.data(), buffer_);
            inner_.reset();
        }
        return !inner_;
    }

    void release() noexcept override {
        if (inner_) {
            // Given up while an error ends the process: MPI may still write to the wide memory.
            static_cast<void>(inner_.release());
            return;
        }
        pool_.put_back(this);
    }

  private:
    OperationPool<Run>& pool_;
    Buffer buffer_;
    std::vector<std::byte> wide_;
    OperationHandle inner_;
};

Widened::Widened(std::unique_ptr<Algorithm> inner) : inner_(std::move(inner)) {}
Widened::~Widened() = default;

OperationHandle Widened::start(const Buffer& buffer) {
    if (travel_type(buffer.type, buffer.op) == buffer.type) {
        return inner_->start(buffer);
    }
    return begun(pool_.take(pool_), *inner_, buffer);
}

}  // namespace hpml::comm
