namespace hpml::model {
namespace {

// 12 sums and 3 vectors of the right factor in 16 registers.
constexpr int kLanes = 8;
constexpr int kTileRows = 4;
constexpr int kTileVectors = 3;

}  // namespace
}  // namespace hpml::model

#include "model/kernels/table_code.h"

namespace hpml::model {

Kernels v3_kernels() { return kernels_here("x86-64-v3", 9); }

}  // namespace hpml::model
