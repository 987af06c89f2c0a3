namespace hpml::model {
namespace {

// 24 sums and 3 vectors of the right factor in 32 registers.
constexpr int kLanes = 16;
constexpr int kTileRows = 8;
constexpr int kTileVectors = 3;

}  // namespace
}  // namespace hpml::model

#include "model/kernels/table_code.h"

namespace hpml::model {

Kernels v4_kernels() { return kernels_here("x86-64-v4", 9); }

}  // namespace hpml::model
