#include "model/fused/machine.h"

#include <ATen/Parallel.h>

#include <algorithm>

namespace hpml::model {
namespace {

/// Multiplications and additions below which a product stays in one thread.
constexpr std::int64_t kSmallProduct = 1 << 20;

/// Columns and rows that no thread's part cuts: whole tiles of every instruction set.
constexpr std::int64_t kColumnUnit = 48;
constexpr std::int64_t kRowUnit = 8;

Product part_of_rows(Product product, std::int64_t first, std::int64_t last) {
    product.left.values += first * product.left.row_stride;
    product.result += first * product.result_stride;
    product.rows = last - first;
    return product;
}

Product part_of_columns(Product product, std::int64_t first, std::int64_t last) {
    product.right.values += first * product.right.column_stride;
    product.result += first;
    product.bias = product.bias == nullptr ? nullptr : product.bias + first;
    product.columns = last - first;
    return product;
}

}  // namespace

void in_parallel(std::int64_t count, std::int64_t grain,
                 const std::function<void(std::int64_t, std::int64_t)>& body) {
    at::parallel_for(0, count, std::max<std::int64_t>(1, grain), body);
}

Machine::Machine(Rounding rounding, std::shared_ptr<BufferPool> pool)
    : kernels_(&best_kernels()),
      rounding_(rounding),
      multiply_(kernels_->multiply),
      pool_(std::move(pool)) {
    if (rounding == Rounding::BFloat16 && native_bfloat16() != nullptr) {
        multiply_ = native_bfloat16();
    }
}

void Machine::multiply(const Product& product) const {
    const std::int64_t threads = at::get_num_threads();
    if (threads == 1 || product.rows * product.columns * product.depth < kSmallProduct) {
        const Buffer space = take_pack_space();
        multiply_here(product, space.data());
        return;
    }
    const bool by_rows = product.rows >= product.columns;
    const std::int64_t unit = by_rows ? kRowUnit : kColumnUnit;
    const std::int64_t size = by_rows ? product.rows : product.columns;
    const std::int64_t units = (size + unit - 1) / unit;
    in_parallel(units, (units + threads - 1) / threads, [&](std::int64_t first, std::int64_t last) {
        const Buffer space = take_pack_space();
        const std::int64_t begin = first * unit;
        const std::int64_t end = std::min(size, last * unit);
        multiply_here(
            by_rows ? part_of_rows(product, begin, end) : part_of_columns(product, begin, end),
            space.data());
    });
}

}  // namespace hpml::model
