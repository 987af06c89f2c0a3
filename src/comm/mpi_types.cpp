#include "comm/mpi_types.h"

namespace hpml::comm {

MPI_Datatype mpi_type(DataType type) {
    switch (type) {
        case DataType::U8:
            return MPI_UINT8_T;
        case DataType::I8:
            return MPI_INT8_T;
        case DataType::I32:
            return MPI_INT32_T;
        case DataType::I64:
            return MPI_INT64_T;
        case DataType::F16:
        case DataType::BF16:
            return MPI_UINT16_T;
        case DataType::F64:
            return MPI_DOUBLE;
        case DataType::F32:
            break;
    }
    return MPI_FLOAT;
}

MPI_Op mpi_op(ReduceOp op) {
    switch (op) {
        case ReduceOp::Min:
            return MPI_MIN;
        case ReduceOp::Max:
            return MPI_MAX;
        case ReduceOp::Prod:
            return MPI_PROD;
        case ReduceOp::Sum:
        case ReduceOp::Avg:
            break;
    }
    return MPI_SUM;
}

}  // namespace hpml::comm
