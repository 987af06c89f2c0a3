#include "corpus/prepare_units.h"

#include <algorithm>
#include <string>

#include "base/json.h"
#include "mpi/root_text.h"

namespace hpml::corpus {

namespace {

/// Of a plain file; and of a packed one, whose text is some four times as long. Small enough that
/// the ranks end together and little is done again after a kill, large enough that opening a part
/// costs nothing beside reading it.
constexpr std::uint64_t kPlainUnit = std::uint64_t{32} << 20;
constexpr std::uint64_t kPackedUnit = std::uint64_t{8} << 20;

void add_units(std::size_t index, const InputEntry& input, const PrepareOptions& options,
               Json& units) {
    const std::uint64_t size = input.size.value;
    const std::uint64_t chosen = static_cast<std::uint64_t>(options.part_kibibytes) << 10;
    std::uint64_t step = size;
    if (size > (chosen > 0 ? chosen : kPackedUnit)) {
        const text::DocumentFile file(input.path, options.documents);
        if (file.has_parts()) {
            step = chosen > 0 ? chosen : (file.is_packed() ? kPackedUnit : kPlainUnit);
        }
    }
    std::uint64_t begin = 0;
    do {
        const std::uint64_t end = begin + step;
        units.push_back(Json{index, begin, end < size ? end : UINT64_MAX});
        begin = end;
    } while (begin < size);
}

}  // namespace

std::vector<WorkUnit> plan_units(const std::vector<InputEntry>& inputs,
                                 const PrepareOptions& options, const mpi::Communicator& ranks) {
    const std::string packed = mpi::text_of_root(ranks, [&] {
        Json units = Json::array();
        for (std::size_t index = 0; index < inputs.size(); ++index) {
            add_units(index, inputs[index], options, units);
        }
        return units.dump();
    });
    std::vector<WorkUnit> units;
    for (const Json& unit : parse_json(packed, "list of work units", mib(1024))) {
        units.push_back({unit.at(0), {unit.at(1), unit.at(2)}});
    }
    return units;
}

}  // namespace hpml::corpus
