#pragma once

#include <memory>

namespace at {
struct RecordFunction;
}

namespace hpml::model {

/// From construction to destruction an operator of this name, for whoever records LibTorch's
/// operators (--profile): ours are none of its. Costs a few nanoseconds where nobody does.
class NamedOperator {
  public:
    /// @param name  lives as long as the program
    explicit NamedOperator(const char* name);
    ~NamedOperator();
    NamedOperator(const NamedOperator&) = delete;
    NamedOperator& operator=(const NamedOperator&) = delete;
    NamedOperator(NamedOperator&&) = delete;
    NamedOperator& operator=(NamedOperator&&) = delete;

  private:
    std::unique_ptr<at::RecordFunction> record_;
};

}  // namespace hpml::model
