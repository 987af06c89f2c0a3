#include "train/handshake.h"

#include <algorithm>
#include <sstream>
#include <vector>

#include "base/error.h"
#include "base/hash.h"

namespace hpml::train {

namespace {

std::string first_difference(const std::string& expected, const std::string& found) {
    std::istringstream left(expected);
    std::istringstream right(found);
    std::string a;
    std::string b;
    while (true) {
        const bool more_left = static_cast<bool>(std::getline(left, a));
        const bool more_right = static_cast<bool>(std::getline(right, b));
        if (!more_left && !more_right) {
            return "";
        }
        a = more_left ? a : "";
        b = more_right ? b : "";
        if (a != b) {
            return "'" + a + "' on rank 0, '" + b + "' there";
        }
    }
}

}  // namespace

void require_same(const mpi::Communicator& ranks, const std::string& what,
                  const std::string& text) {
    // Texts may be long and ranks many: where all is well, only digests travel.
    const std::vector<std::string> digests = ranks.all_gather(hash_text(text).hex());
    if (std::all_of(digests.begin(), digests.end(),
                    [&](const std::string& digest) { return digest == digests.front(); })) {
        return;
    }
    const std::vector<std::string> texts = ranks.all_gather(text);
    std::string differing;
    std::string difference;
    for (std::size_t rank = 1; rank < texts.size(); ++rank) {
        if (texts[rank] != texts[0]) {
            differing += (differing.empty() ? "" : ", ") + std::to_string(rank);
            difference = difference.empty() ? first_difference(texts[0], texts[rank]) : difference;
        }
    }
    if (!differing.empty()) {
        throw MismatchError("the ranks do not agree on the " + what +
                            " (they would add up different things): rank " + differing +
                            " differs from rank 0: " + difference +
                            "; start every rank with the same program, options and files");
    }
}

}  // namespace hpml::train
