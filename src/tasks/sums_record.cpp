#include "tasks/sums_record.h"

#include <fmt/format.h>

#include <array>
#include <string>
#include <utility>

#include "base/error.h"
#include "comm/reproducible.h"
#include "comm/wire.h"
#include "mpi/root_text.h"

namespace hpml::tasks {

namespace {

using comm::CostConstants;

constexpr std::array<std::pair<const char*, double CostConstants::*>, 6> kConstants = {{
    {"network_alpha", &CostConstants::network_alpha},
    {"network_beta", &CostConstants::network_beta},
    {"message_overhead", &CostConstants::message_overhead},
    {"shared_alpha", &CostConstants::shared_alpha},
    {"shared_beta", &CostConstants::shared_beta},
    {"sum_beta", &CostConstants::sum_beta},
}};

Json constants_record(const CostConstants& constants) {
    Json record;
    for (const auto& [name, member] : kConstants) {
        record[name] = constants.*member;
    }
    record["links"] = constants.links;
    return record;
}

CostConstants recorded_constants(const Json& record, const std::string& where) {
    CostConstants constants;
    for (const auto& [name, member] : kConstants) {
        constants.*member = json_member<double>(record, name, where);
    }
    constants.links = json_member<int>(record, "links", where);
    return constants;
}

/// What differs between two records, e.g. "bucket_bytes 4194304, was 8388608".
std::string differences(const Json& now, const Json& before) {
    std::string text;
    for (const auto& [key, value] : now.items()) {
        if (!before.contains(key) || before.at(key) != value) {
            text += fmt::format("{}{} {}, was {}", text.empty() ? "" : "; ", key, value.dump(),
                                before.contains(key) ? before.at(key).dump() : "not recorded");
        }
    }
    return text;
}

}  // namespace

Json sums_record(const train::CommunicationOptions& resolved, int ranks) {
    const auto& sums = resolved.all_reduce;
    return {{"ranks", ranks},
            {"reproducible", to_text(sums.reproducible)},
            {"algorithm", sums.algorithm},
            {"wire", to_text(sums.wire)},
            {"bucket_bytes", resolved.bucket.value},
            {"first_bucket_bytes", resolved.first_bucket.value},
            {"chunk_bytes", sums.chunk.value},
            {"constants", constants_record(sums.constants)}};
}

train::CommunicationOptions continue_sums(train::CommunicationOptions options,
                                          const std::filesystem::path& checkpoint,
                                          const mpi::Communicator& ranks, const Log& log) {
    // Elastic sums are the same however they are made.
    if (options.all_reduce.reproducible == comm::Reproducible::Off ||
        options.all_reduce.reproducible == comm::Reproducible::Elastic) {
        return options;
    }
    const std::string text = mpi::text_of_root(ranks, [&] {
        const Json state = read_json(checkpoint / "state.json");
        return state.contains("sums") ? state.at("sums").dump() : "";
    });
    if (text.empty()) {
        return options;
    }
    const std::string where = "checkpoint " + checkpoint.string();
    const Json recorded = parse_json(text, where);
    if (options.bucket.value == 0) {
        options.bucket = Bytes(json_member<std::uint64_t>(recorded, "bucket_bytes", where));
    }
    options.all_reduce.constants =
        recorded_constants(json_member<Json>(recorded, "constants", where), where);
    const std::string changed = differences(sums_record(options, ranks.size()), recorded);
    if (!changed.empty()) {
        log.info(
            "gradients are summed otherwise than before this checkpoint ({}): the bits will "
            "not be those of a run that was not interrupted",
            changed);
    }
    return options;
}

}  // namespace hpml::tasks
