#pragma once

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "comm/all_reduce.h"
#include "comm/hierarchical.h"
#include "comm/mpi_all_reduce.h"
#include "comm/ring.h"
#include "comm/select.h"
#include "comm/shm.h"
#include "comm/two_shot.h"
#include "comm/widened.h"

namespace hpml::test {

/// The algorithms under test by name, with segments and pieces short enough to be cut often.
[[nodiscard]] inline std::unique_ptr<comm::Algorithm> make_algorithm(
    const std::string& name, const mpi::Communicator& ranks) {
    if (name == "ring-128-bytes") {
        return std::make_unique<comm::Widened>(std::make_unique<comm::Ring>(
            ranks, comm::RingOptions{.segment = Bytes(128), .depth = 3}));
    }
    if (name == "ring-deep") {
        return std::make_unique<comm::Widened>(std::make_unique<comm::Ring>(
            ranks, comm::RingOptions{.segment = Bytes(16384), .depth = 16}));
    }
    if (name == "shm-4-kib") {
        return comm::ShmAllReduce::for_node(ranks, {.chunk = Bytes(4096)});
    }
    if (name == "shm-by-file") {
        return comm::ShmAllReduce::for_node(ranks, {}, {.anonymous = false});
    }
    if (name == "nodes") {
        // As if this machine were several, with two ranks each where that goes.
        const int size = ranks.size() % 2 == 0 ? 2 : 1;
        return std::make_unique<comm::Hierarchical>(ranks, ranks.split(ranks.rank().value / size));
    }
    if (name == "twoshot-pieces") {
        return std::make_unique<comm::TwoShot>(
            ranks, comm::TwoShotOptions{.piece = Bytes(4096), .depth = 2});
    }
    if (name == "mpi-in-pieces") {
        return std::make_unique<comm::Widened>(std::make_unique<comm::MpiAllReduce>(ranks, 10007));
    }
    return comm::make_algorithm({.algorithm = name}, ranks);
}

[[nodiscard]] inline std::vector<std::string> algorithm_names() {
    return {"shm",       "shm-4-kib",     "shm-by-file",       "ring",  "ring-128-bytes",
            "ring-deep", "twoshot",       "twoshot-pieces",    "nodes", "hierarchical",
            "mpi",       "mpi-in-pieces", "recursive_doubling"};
}

/// A long buffer in 128-byte messages takes seconds and shows nothing new.
[[nodiscard]] inline bool too_long_for(const std::string& algorithm, std::size_t size) {
    return algorithm == "ring-128-bytes" && size > 100000;
}

inline void finish(comm::Operation& operation) {
    while (!operation.advance()) {
        std::this_thread::yield();
    }
}

inline void all_reduce(comm::Algorithm& algorithm, const comm::Buffer& buffer) {
    finish(*algorithm.start(buffer));
}

}  // namespace hpml::test
