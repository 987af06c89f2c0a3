#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hpml::text {

/// All tokens of a vocabulary as a double-array trie over bytes (Aoe 1989): one look-up per byte
/// finds the longest token that a text begins with.
class PieceTrie {
  public:
    struct Match {
        std::int32_t id = -1;  ///< -1: no token
        std::size_t length = 0;
    };
    using Node = std::int32_t;

    /// @param tokens  distinct, not empty; a token's index is its id
    explicit PieceTrie(std::span<const std::string> tokens);

    [[nodiscard]] Node root() const { return 0; }
    /// The node that `prefix` leads to, -1 if no token begins so.
    [[nodiscard]] Node find(std::string_view prefix) const;
    /// The longest token that is the text of `from` followed by one or more first bytes of `text`.
    [[nodiscard]] Match longest(std::string_view text, Node from) const {
        Match best;
        Node node = from;
        for (std::size_t i = 0; i < text.size(); ++i) {
            node = child(node, static_cast<unsigned char>(text[i]));
            if (node < 0) {
                break;
            }
            if (const std::int32_t id = cells_[static_cast<std::size_t>(node)].id; id >= 0) {
                best = {id, i + 1};
            }
        }
        return best;
    }

  private:
    /// A node's child for byte b lies in cell base ^ b, if that cell's parent is the node.
    struct Cell {
        std::int32_t base = 0;
        Node parent = kFree;
        std::int32_t id = -1;
    };
    static constexpr Node kFree = -1;
    static constexpr Node kNone = -2;

    [[nodiscard]] Node child(Node node, unsigned char byte) const {
        const Node next = cells_[static_cast<std::size_t>(node)].base ^ byte;
        return cells_[static_cast<std::size_t>(next)].parent == node ? next : -1;
    }
    [[nodiscard]] std::int32_t find_base(std::span<const unsigned char> bytes);

    std::vector<Cell> cells_;
    std::size_t first_free_ = 0;
};

}  // namespace hpml::text
