#include "apps/hpml_bench_commands.h"
#include "comm/calibrate.h"
#include "comm/cluster.h"

namespace hpml {

Json bench_calibrate(const BenchOptions&, const mpi::Communicator& ranks, const Log& log) {
    const auto found = comm::calibrate(ranks, ranks.split_by_node(), Seconds(1.5));
    const comm::CostConstants& constants = found.constants;
    if (found.has_network) {
        log.info("network: {:.1f} us a message, {:.1f} us one more at once, {:.1f} MB/s each way",
                 constants.network_alpha * 1e6, constants.message_overhead * 1e6,
                 1e-6 / constants.network_beta);
    } else {
        log.info("network: not measured, the ranks are on one node");
    }
    if (found.has_node) {
        log.info("node: {:.1f} us until all have met, {:.2f} GB/s that each rank reads or writes",
                 constants.shared_alpha * 1e6, 1e-9 / constants.shared_beta);
    } else {
        log.info("node: not measured, no ranks share memory; what the file says is the default");
    }
    log.info("sum: {:.2f} GB/s", 1e-9 / constants.sum_beta);
    comm::Cluster cluster;
    cluster.name = "calibrated";
    cluster.ranks_per_node = found.topology.ranks_per_node();
    cluster.has_network = found.has_network;
    cluster.constants = constants;
    return comm::to_json(cluster);
}

}  // namespace hpml
