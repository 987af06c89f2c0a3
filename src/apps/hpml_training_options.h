#pragma once

#include "apps/options.h"
#include "train/communication.h"

namespace hpml {

/// --allreduce, --bucket-mib, --timeout-seconds and what else says how ranks talk during a step,
/// the same for every program that trains.
void add_communication_options(OptionGroup& group, train::CommunicationOptions& options);

}  // namespace hpml
