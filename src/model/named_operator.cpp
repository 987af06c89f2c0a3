#include "model/named_operator.h"

#include <ATen/record_function.h>

#include <utility>

namespace hpml::model {

NamedOperator::NamedOperator(const char* name) {
    if (auto callbacks = at::getStepCallbacksUnlessEmpty(at::RecordScope::FUNCTION)) {
        record_ = std::make_unique<at::RecordFunction>(std::move(*callbacks));
        record_->before(name);
    }
}

NamedOperator::~NamedOperator() = default;

}  // namespace hpml::model
