#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/units.h"
#include "mpi/communicator.h"

namespace hpml::comm {

/// How far a rank is, in numbers that only grow within a step.
struct RankState {
    std::uint32_t rank = 0;     ///< of the job
    std::uint32_t buckets = 0;  ///< that it has sent in its step
    std::uint64_t waits = 0;    ///< that it has entered since the start of the job
    std::int64_t step = 0;
    double silent_seconds = 0;  ///< its watchdog shows no sign of life; 0: it does
};

/// What a node tells the others of its ranks.
struct NodeReport {
    static constexpr std::size_t kMost = 8;
    std::uint64_t most_waits = 0;  ///< of the rank that is furthest
    std::uint32_t told = 0;        ///< how many of `behind` are meant
    std::uint32_t reserved = 0;
    std::array<RankState, kMost> behind;  ///< the silent ranks, then those that are least far
};

/// A side channel between the nodes of a job: one rank of each, its leader, sends its report to the
/// other leaders in a UDP datagram. It needs no MPI after its construction, so that it still works
/// when MPI waits for ever, and a lost datagram costs nothing: the next one says more.
class NodeChannel {
  public:
    /// One or the other; neither on one node.
    struct Attempt {
        std::unique_ptr<NodeChannel> channel;
        std::string obstacle;  ///< the same on every rank
    };
    /// Collective over the ranks of the job; takes a second where datagrams do not arrive.
    /// @param node  of this rank; its rank 0 leads
    [[nodiscard]] static Attempt open(const mpi::Communicator& ranks,
                                      const mpi::Communicator& node);

    ~NodeChannel();
    NodeChannel(const NodeChannel&) = delete;
    NodeChannel& operator=(const NodeChannel&) = delete;
    NodeChannel(NodeChannel&&) = delete;
    NodeChannel& operator=(NodeChannel&&) = delete;

    struct Node {
        std::uint32_t leader = 0;  ///< rank of the job
        std::string host;
    };
    /// In the order of the leaders' ranks, on every rank.
    [[nodiscard]] const std::vector<Node>& nodes() const { return nodes_; }
    [[nodiscard]] std::size_t own() const { return own_; }

    /// For leaders: to every other node, without waiting.
    void send(const NodeReport& report) const noexcept;
    /// For leaders: what has arrived since the last call, without waiting.
    void receive(const std::function<void(std::size_t node, const NodeReport&)>& take);

  private:
    struct Endpoint;
    struct Datagram;
    NodeChannel();
    void learn(const std::vector<std::string>& cards, std::uint32_t rank);
    [[nodiscard]] std::string open_socket();
    [[nodiscard]] std::string meet();
    void send_to(std::size_t node, const Datagram& datagram, std::uint32_t address) const noexcept;
    [[nodiscard]] bool next(Datagram& datagram, std::uint32_t& address) const;

    std::vector<Node> nodes_;
    std::vector<Endpoint> endpoints_;  ///< by node
    std::size_t own_ = 0;
    std::uint64_t token_ = 0;  ///< of this job: datagrams of others are dropped
    int socket_ = -1;          ///< leaders only
};

}  // namespace hpml::comm
