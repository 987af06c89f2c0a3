#include "checkpoint/load.h"

#include <optional>
#include <set>

#include "base/error.h"

namespace hpml::checkpoint {

namespace {

constexpr std::string_view kBert = "bert.";
constexpr std::string_view kRoberta = "roberta.";

/// The names under which a file may hold a parameter, the parameter's own first.
std::vector<std::string> candidates(const std::string& name) {
    std::vector<std::string> names = {name};
    const auto also = [&](std::string_view now, std::string_view old) {
        if (name.ends_with(now)) {
            names.push_back(name.substr(0, name.size() - now.size()) + std::string(old));
        }
    };
    also("LayerNorm.weight", "LayerNorm.gamma");
    also("LayerNorm.bias", "LayerNorm.beta");
    also("cls.predictions.bias", "cls.predictions.decoder.bias");
    also("lm_head.bias", "lm_head.decoder.bias");
    for (std::size_t i = 0, count = names.size(); i < count; ++i) {
        if (names[i].starts_with(kRoberta)) {
            names.push_back(names[i].substr(kRoberta.size()));
        } else {
            names.push_back(names[i].starts_with(kBert) ? names[i].substr(kBert.size())
                                                        : std::string(kBert) + names[i]);
        }
    }
    return names;
}

std::optional<std::string> find(const model::SafetensorsFile& file, const std::string& name) {
    for (const std::string& candidate : candidates(name)) {
        if (file.entries().count(candidate) != 0) {
            return candidate;
        }
    }
    return std::nullopt;
}

/// What a model derives from its parameters and configuration.
bool is_derived(const std::string& name) {
    return name.ends_with("embeddings.position_ids") ||
           name.ends_with("embeddings.token_type_ids") ||
           name == "cls.predictions.decoder.weight" || name == "cls.predictions.decoder.bias" ||
           name == "lm_head.decoder.weight" || name == "lm_head.decoder.bias";
}

}  // namespace

LoadReport load_parameters(const model::SafetensorsFile& file, const NamedViews& parameters) {
    LoadReport report;
    std::set<std::string> used;
    for (const auto& [name, view] : parameters) {
        const auto stored = find(file, name);
        if (!stored) {
            report.fresh.push_back(name);
            continue;
        }
        file.read_into(*stored, view);
        used.insert(*stored);
        report.loaded.push_back(name);
    }
    for (const auto& [name, entry] : file.entries()) {
        if (used.count(name) == 0 && !is_derived(name)) {
            report.ignored.push_back(name);
        }
    }
    if (report.loaded.empty() && !parameters.empty()) {
        throw InputError("none of the model's parameters (the first is '" +
                         parameters.front().first + "') is in the file of weights" +
                         (report.ignored.empty() ? "; it is empty"
                                                 : ", which has '" + report.ignored.front() +
                                                       "'; is it a model of another family?"));
    }
    return report;
}

void load_exactly(const model::SafetensorsFile& file, const NamedViews& tensors) {
    std::set<std::string> wanted;
    for (const auto& [name, view] : tensors) {
        file.read_into(name, view);
        wanted.insert(name);
    }
    for (const auto& [name, entry] : file.entries()) {
        if (wanted.count(name) == 0) {
            throw InputError("the checkpoint has a tensor '" + name +
                             "' that this run does not (it was made with other settings)");
        }
    }
}

}  // namespace hpml::checkpoint
