#include "text/piece_trie.h"

#include <algorithm>
#include <numeric>

namespace hpml::text {

namespace {

/// The tokens order[first..last) share their first `depth` bytes and hang below `node`.
struct Branch {
    PieceTrie::Node node;
    std::size_t first;
    std::size_t last;
    std::size_t depth;
};

constexpr std::size_t kBlock = 256;

}  // namespace

PieceTrie::PieceTrie(std::span<const std::string> tokens) : cells_(kBlock) {
    std::vector<std::int32_t> order(tokens.size());
    std::iota(order.begin(), order.end(), 0);
    const auto token = [&](std::size_t index) -> const std::string& {
        return tokens[static_cast<std::size_t>(order[index])];
    };
    std::sort(order.begin(), order.end(), [&](std::int32_t a, std::int32_t b) {
        return tokens[static_cast<std::size_t>(a)] < tokens[static_cast<std::size_t>(b)];
    });
    cells_[0].parent = kNone;
    std::vector<Branch> branches{{root(), 0, tokens.size(), 0}};
    while (!branches.empty()) {
        Branch branch = branches.back();
        branches.pop_back();
        if (branch.first < branch.last && token(branch.first).size() == branch.depth) {
            cells_[static_cast<std::size_t>(branch.node)].id = order[branch.first];
            ++branch.first;
        }
        std::vector<unsigned char> bytes;
        std::vector<std::size_t> starts;
        for (std::size_t i = branch.first; i < branch.last; ++i) {
            const auto byte = static_cast<unsigned char>(token(i)[branch.depth]);
            if (bytes.empty() || bytes.back() != byte) {
                bytes.push_back(byte);
                starts.push_back(i);
            }
        }
        if (bytes.empty()) {
            continue;
        }
        starts.push_back(branch.last);
        const std::int32_t base = find_base(bytes);
        cells_[static_cast<std::size_t>(branch.node)].base = base;
        for (std::size_t i = 0; i < bytes.size(); ++i) {
            const Node next = base ^ bytes[i];
            cells_[static_cast<std::size_t>(next)].parent = branch.node;
            branches.push_back({next, starts[i], starts[i + 1], branch.depth + 1});
        }
    }
}

std::int32_t PieceTrie::find_base(std::span<const unsigned char> bytes) {
    while (first_free_ < cells_.size() && cells_[first_free_].parent != kFree) {
        ++first_free_;
    }
    for (std::size_t cell = first_free_;; ++cell) {
        // base ^ byte changes the low 8 bits only, so whole blocks keep every child inside.
        if (cell == cells_.size()) {
            cells_.resize(cells_.size() + kBlock);
        }
        const std::size_t base = cell ^ bytes[0];
        if (std::all_of(bytes.begin(), bytes.end(),
                        [&](unsigned char byte) { return cells_[base ^ byte].parent == kFree; })) {
            return static_cast<std::int32_t>(base);
        }
    }
}

PieceTrie::Node PieceTrie::find(std::string_view prefix) const {
    Node node = root();
    for (const char byte : prefix) {
        node = child(node, static_cast<unsigned char>(byte));
        if (node < 0) {
            break;
        }
    }
    return node;
}

}  // namespace hpml::text
