#pragma once

#include <string>
#include <vector>

#include "apps/options.h"
#include "optim/optimizer.h"
#include "optim/schedule.h"
#include "train/communication.h"

namespace hpml {

/// --allreduce, --bucket-mib, --timeout-seconds and what else says how ranks talk during a step,
/// the same for every program that trains.
void add_communication_options(OptionGroup& group, train::CommunicationOptions& options);

/// --optimizer and all that its update rules know.
void add_optimizer_options(OptionGroup& group, optim::OptimizerOptions& options);
/// --learning-rate, --schedule and all that shapes it.
void add_schedule_options(OptionGroup& group, optim::ScheduleOptions& options);

/// --stop-signals, the same for every program that trains.
void add_stop_signals_option(OptionGroup& group, std::vector<std::string>& names);

}  // namespace hpml
