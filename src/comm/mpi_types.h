#pragma once

#include <mpi.h>

#include "comm/buffer.h"

namespace hpml::comm {

/// To move elements; the 16-bit floating types travel as whole numbers.
[[nodiscard]] MPI_Datatype mpi_type(DataType type);
/// Avg is a sum for MPI.
[[nodiscard]] MPI_Op mpi_op(ReduceOp op);

}  // namespace hpml::comm
