#include "model/fused/dense.h"

#include "model/named_operator.h"

namespace hpml::model {

void apply(const Machine& machine, const Dense& map, std::int64_t rows, const Operand& inputs,
           float* results) {
    const NamedOperator record("hpml::linear");
    Product product{rows,    map.outputs, map.inputs, inputs, transpose_of(map.weight, map.inputs),
                    results, map.outputs};
    product.bias = map.bias;
    machine.multiply(product);
}

void add_gradients(const Machine& machine, const Dense& map, const Slopes& slopes,
                   const Operand& inputs, const DenseGradient& gradient) {
    const NamedOperator record("hpml::linear_weight_gradient");
    machine.multiply({map.outputs, map.inputs, slopes.rows,
                      transpose_of(slopes.values, slopes.stride), inputs, gradient.weight,
                      map.inputs, Into::Add});
    constexpr std::int64_t kSmallestPart = 256;
    in_parallel(map.outputs, kSmallestPart, [&](std::int64_t first, std::int64_t last) {
        machine.kernels().add_column_sums({slopes.rows, slopes.stride, first, last}, slopes.values,
                                          gradient.bias);
    });
}

void backward(const Machine& machine, const Dense& map, const Slopes& slopes, float* inputs,
              Into into) {
    const NamedOperator record("hpml::linear_input_gradient");
    machine.multiply({slopes.rows, map.inputs, map.outputs, rows_of(slopes.values, slopes.stride),
                      rows_of(map.weight, map.inputs), inputs, map.inputs, into});
}

}  // namespace hpml::model
