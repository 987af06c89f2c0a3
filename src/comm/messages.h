#pragma once

#include "base/units.h"

namespace hpml::comm {

/// What messages between nodes hold at most. Open MPI sends a longer one over TCP (the limit is 64
/// KiB with its header) only when the receiver has asked for it, and that answer queues behind the
/// data that flows the other way: two hosts that exchange 256 KiB at a time leave half of a link
/// of 1 Gbit/s idle.
inline constexpr Bytes kMessageBetweenNodes = kib(60);

}  // namespace hpml::comm
