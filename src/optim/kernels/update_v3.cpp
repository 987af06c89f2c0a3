#include "optim/kernels/adafactor_code.h"
#include "optim/kernels/moment_code.h"
#include "optim/kernels/tables.h"

namespace hpml::optim {

const Kernels& kernels_v3() {
    static constexpr Kernels table = {
        adam_here,           lamb_prepare_here,     lamb_apply_here,     momentum_here,
        row_and_column_here, factored_squares_here, factored_apply_here, vector_moment_here,
        vector_apply_here,   sum_of_squares_here};
    return table;
}

}  // namespace hpml::optim
