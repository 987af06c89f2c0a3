#include "comm/reproducible.h"

namespace hpml::comm {

std::string to_text(Reproducible level) {
    switch (level) {
        case Reproducible::Off:
            return "off";
        case Reproducible::Run:
            return "run";
        case Reproducible::Strict:
            return "strict";
        case Reproducible::Elastic:
            break;
    }
    return "elastic";
}

bool adds_in_rank_order(const std::string& algorithm) {
    return algorithm == "shm" || algorithm == "twoshot";
}

}  // namespace hpml::comm
