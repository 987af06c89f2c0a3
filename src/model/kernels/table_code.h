#pragma once

// The table of the instruction set for which the including file is compiled.

#include "model/kernels/product_code.h"
#include "model/kernels/rows_code.h"
#include "model/kernels/tables.h"

namespace hpml::model {
namespace {

inline Kernels kernels_here(const char* name, std::size_t length) {
    Kernels table;
    table.name = {name, length};
    table.multiply = multiply_here<Fp32Panels>;
    table.norm_forward = norm_forward_here;
    table.norm_again = norm_again_here;
    table.norm_backward = norm_backward_here;
    table.norm_parameters = norm_parameters_here;
    table.add_column_sums = add_column_sums_here;
    table.gelu = gelu_here;
    table.gelu_backward = gelu_backward_here;
    table.multiply_by = multiply_by_here;
    table.add_to = add_to_here;
    table.dot = dot_here;
    table.log_sum_exp = log_sum_exp_here;
    table.probabilities = probabilities_here;
    table.softmax_backward = softmax_backward_here;
    return table;
}

}  // namespace
}  // namespace hpml::model
