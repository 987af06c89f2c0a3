#pragma once

#include <memory>

#include "comm/all_reduce.h"
#include "mpi/communicator.h"

namespace hpml::comm {

/// Lets the ranks compare each operation before any of it is added: type, count, reduction, scale,
/// name and plan of the buffer, and whether its name is under way already. It costs a small message
/// to every rank per operation, which travels while other operations are under way.
///
/// Where ranks differ, `advance` throws a MismatchError on every rank that names the tensors and
/// the ranks; the buffers are as they were, and the operations behind it go on.
class Checked final : public Algorithm {
  public:
    /// Collective: talks on a duplicate of `ranks`.
    Checked(std::unique_ptr<Algorithm> inner, const mpi::Communicator& ranks);
    ~Checked() override;
    Checked(const Checked&) = delete;
    Checked& operator=(const Checked&) = delete;
    Checked(Checked&&) = delete;
    Checked& operator=(Checked&&) = delete;

    [[nodiscard]] std::string_view name() const override { return inner_->name(); }
    [[nodiscard]] OperationHandle start(const Buffer& buffer) override;
    [[nodiscard]] std::size_t most_under_way() const override { return inner_->most_under_way(); }
    [[nodiscard]] bool is_on_host() const override { return inner_->is_on_host(); }
    [[nodiscard]] std::shared_ptr<std::byte> allocate(Bytes size) override {
        return inner_->allocate(size);
    }

  private:
    struct Notice;
    struct Shared;
    class Run;
    std::unique_ptr<Algorithm> inner_;
    std::unique_ptr<Shared> shared_;
};

}  // namespace hpml::comm
