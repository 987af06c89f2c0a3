#pragma once

#include <cstddef>

namespace hpml::optim {

/// a = b + factor c: STREAM's triad (McCalpin), what optimizer steps are compared with. Plain
/// memory; 24 bytes an element are counted.
void triad(double* a, const double* b, const double* c, double factor, std::size_t count);
/// The same past the caches on x86-64 (elsewhere as above): `a` is not read before it is written,
/// so that 24 bytes really are all.
/// @param a  aligned to 16 bytes
void triad_streaming(double* a, const double* b, const double* c, double factor, std::size_t count);

}  // namespace hpml::optim
