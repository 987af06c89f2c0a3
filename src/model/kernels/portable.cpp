namespace hpml::model {
namespace {

// 8 sums and 2 vectors of the right factor in 16 registers.
constexpr int kLanes = 4;
constexpr int kTileRows = 4;
constexpr int kTileVectors = 2;

}  // namespace
}  // namespace hpml::model

#include "model/kernels/table_code.h"

namespace hpml::model {

Kernels portable_kernels() { return kernels_here("portable", 8); }

}  // namespace hpml::model
