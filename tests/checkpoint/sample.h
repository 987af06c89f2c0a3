#pragma once

#include <ATen/ops/full.h>

#include <cstdint>
#include <string>

#include "checkpoint/checkpoint.h"

namespace hpml::test {

/// A small checkpoint whose tensors all hold the step's number.
inline checkpoint::Contents sample_contents(std::int64_t step, std::int64_t elements = 3000) {
    checkpoint::Contents contents;
    contents.step = Step(step);
    contents.model = {{"bert.weight", at::full({elements}, static_cast<double>(step), at::kFloat)},
                      {"bert.bias", at::full({5}, static_cast<double>(step), at::kFloat)}};
    contents.optimizer = {
        {"exp_avg.bert.weight", at::full({7}, static_cast<double>(step), at::kFloat)}};
    contents.state = {{"step", step}, {"seed", 42}};
    contents.config = {{"model_type", "bert"}, {"hidden_size", 128}};
    contents.tokenizer_config = {{"do_lower_case", true}};
    contents.vocabulary = {{"vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nthe\n"}};
    return contents;
}

}  // namespace hpml::test
