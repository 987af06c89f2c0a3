#include "comm/node_channel.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <random>
#include <sstream>
#include <thread>

#include "base/clock.h"
#include "base/host.h"
#include "comm/nodes.h"

namespace hpml::comm {

namespace {

/// How long leaders try to reach each other at start, and how often.
constexpr Seconds kPatience{3.0};
constexpr std::chrono::milliseconds kBetweenTries{10};

/// IPv4 addresses of this host by which another one may reach it, in network byte order; that of
/// the loopback only where there is no other.
std::vector<std::uint32_t> own_addresses() {
    std::vector<std::uint32_t> addresses;
    std::vector<std::uint32_t> loopback;
    ifaddrs* all = nullptr;
    if (::getifaddrs(&all) != 0) {
        return addresses;
    }
    for (const ifaddrs* one = all; one != nullptr; one = one->ifa_next) {
        if (one->ifa_addr != nullptr && one->ifa_addr->sa_family == AF_INET &&
            (one->ifa_flags & IFF_UP) != 0) {
            sockaddr_in address{};
            std::memcpy(&address, one->ifa_addr, sizeof address);
            auto& kind = (one->ifa_flags & IFF_LOOPBACK) != 0 ? loopback : addresses;
            kind.push_back(address.sin_addr.s_addr);
        }
    }
    ::freeifaddrs(all);
    return addresses.empty() ? loopback : addresses;
}

}  // namespace

struct NodeChannel::Endpoint {
    std::vector<std::uint32_t> addresses;  ///< until one of them is known to work: then that one
    std::uint16_t port = 0;
    bool heard = false;     ///< of it
    bool hears_us = false;  ///< it has said so
};

struct NodeChannel::Datagram {
    std::uint64_t token = 0;
    std::uint32_t node = 0;  ///< that sends
    std::uint32_t kind = 0;  ///< 0: a greeting; 1: one that answers; 2: a report
    NodeReport report;
};

NodeChannel::NodeChannel() = default;

NodeChannel::~NodeChannel() {
    if (socket_ >= 0) {
        ::close(socket_);
    }
}

NodeChannel::Attempt NodeChannel::open(const mpi::Communicator& ranks,
                                       const mpi::Communicator& node) {
    if (count_nodes(ranks, node) < 2) {
        return {};
    }
    Attempt attempt;
    attempt.channel.reset(new NodeChannel);
    NodeChannel& channel = *attempt.channel;
    channel.token_ = std::stoull(ranks.broadcast(
        std::to_string(std::uint64_t{std::random_device{}()} << 32 | std::random_device{}())));
    channel.learn(ranks.all_gather(node.is_root() ? channel.open_socket() : ""),
                  static_cast<std::uint32_t>(ranks.rank().value - node.rank().value));
    // A rank's own node is that of its leader, which need not be a neighbour by number.
    std::int64_t own = node.is_root() ? static_cast<std::int64_t>(channel.own_) : 0;
    node.max(std::span(&own, 1));
    channel.own_ = static_cast<std::size_t>(own);
    for (const std::string& obstacle : ranks.all_gather(node.is_root() ? channel.meet() : "")) {
        if (!obstacle.empty()) {
            return {nullptr, obstacle};
        }
    }
    return attempt;
}

/// @return what the other leaders have to know: host, port and addresses
std::string NodeChannel::open_socket() {
    std::ostringstream card;
    card << host_name();
    socket_ = ::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockaddr_in any{};
    any.sin_family = AF_INET;
    socklen_t length = sizeof any;
    auto* address = reinterpret_cast<sockaddr*>(&any);
    if (socket_ >= 0 && ::bind(socket_, address, length) == 0 &&
        ::getsockname(socket_, address, &length) == 0) {
        card << ' ' << any.sin_port;
        for (const std::uint32_t one : own_addresses()) {
            card << ' ' << one;
        }
    }
    return card.str();
}

void NodeChannel::learn(const std::vector<std::string>& cards, std::uint32_t rank) {
    for (std::size_t leader = 0; leader < cards.size(); ++leader) {
        if (cards[leader].empty()) {
            continue;
        }
        std::istringstream card(cards[leader]);
        Node node{static_cast<std::uint32_t>(leader), ""};
        Endpoint endpoint;
        card >> node.host >> endpoint.port;
        for (std::uint32_t address = 0; card >> address;) {
            endpoint.addresses.push_back(address);
        }
        if (leader == rank) {
            own_ = nodes_.size();
        }
        nodes_.push_back(std::move(node));
        endpoints_.push_back(std::move(endpoint));
    }
}

/// Greets the other leaders at all their addresses until each has answered; keeps the address from
/// which an answer came. @return what stands in the way; empty: nothing
std::string NodeChannel::meet() {
    endpoints_[own_].heard = endpoints_[own_].hears_us = true;
    const Stopwatch watch;
    const auto all = [this](bool Endpoint::*flag) {
        return std::all_of(endpoints_.begin(), endpoints_.end(),
                           [flag](const Endpoint& one) { return one.*flag; });
    };
    bool last_round = false;
    while (!last_round && watch.elapsed() < kPatience) {
        last_round = all(&Endpoint::heard) && all(&Endpoint::hears_us);
        for (std::size_t node = 0; node < endpoints_.size(); ++node) {
            const std::uint32_t kind = endpoints_[node].heard ? 1 : 0;
            for (const std::uint32_t address : endpoints_[node].addresses) {
                if (node != own_) {
                    send_to(node, {token_, static_cast<std::uint32_t>(own_), kind, {}}, address);
                }
            }
        }
        std::this_thread::sleep_for(kBetweenTries);
        Datagram datagram;
        for (std::uint32_t address = 0; next(datagram, address);) {
            Endpoint& from = endpoints_[datagram.node];
            from.heard = true;
            from.hears_us = from.hears_us || datagram.kind > 0;
            from.addresses = {address};
        }
    }
    for (std::size_t node = 0; node < endpoints_.size(); ++node) {
        if (!endpoints_[node].heard) {
            return nodes_[own_].host + " hears nothing of " + nodes_[node].host + " by UDP";
        }
    }
    return "";
}

void NodeChannel::send_to(std::size_t node, const Datagram& datagram,
                          std::uint32_t address) const noexcept {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = endpoints_[node].port;
    to.sin_addr.s_addr = address;
    // A datagram that cannot leave is as one that is lost: the other node will see the silence.
    (void)::sendto(socket_, &datagram, sizeof datagram, 0, reinterpret_cast<const sockaddr*>(&to),
                   sizeof to);
}

bool NodeChannel::next(Datagram& datagram, std::uint32_t& address) const {
    sockaddr_in from{};
    while (true) {
        socklen_t length = sizeof from;
        const ssize_t got = ::recvfrom(socket_, &datagram, sizeof datagram, MSG_TRUNC,
                                       reinterpret_cast<sockaddr*>(&from), &length);
        if (got < 0 && errno != ECONNREFUSED && errno != EINTR) {
            return false;
        }
        if (got == static_cast<ssize_t>(sizeof datagram) && datagram.token == token_ &&
            datagram.node < endpoints_.size() && datagram.node != own_ &&
            datagram.report.told <= NodeReport::kMost) {
            address = from.sin_addr.s_addr;
            return true;
        }
    }
}

void NodeChannel::send(const NodeReport& report) const noexcept {
    const Datagram datagram{token_, static_cast<std::uint32_t>(own_), 2, report};
    for (std::size_t node = 0; node < endpoints_.size(); ++node) {
        if (node != own_ && !endpoints_[node].addresses.empty()) {
            send_to(node, datagram, endpoints_[node].addresses.front());
        }
    }
}

void NodeChannel::receive(const std::function<void(std::size_t node, const NodeReport&)>& take) {
    Datagram datagram;
    for (std::uint32_t address = 0; next(datagram, address);) {
        if (datagram.kind == 2) {
            take(datagram.node, datagram.report);
        }
    }
}

}  // namespace hpml::comm
