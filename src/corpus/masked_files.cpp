#include "corpus/masked_files.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <string_view>

#include "base/error.h"

namespace hpml::corpus {

namespace {

bool is_digit(char letter) { return letter >= '0' && letter <= '9'; }

/// Of a run of digits at `at`, without leading zeros; `at` moves behind it.
std::string_view take_number(std::string_view text, std::size_t& at) {
    while (at < text.size() && text[at] == '0') {
        ++at;
    }
    const std::size_t begin = at;
    while (at < text.size() && is_digit(text[at])) {
        ++at;
    }
    return text.substr(begin, at - begin);
}

/// Whether `a` comes before `b`, numbers by value; equal up to leading zeros: by bytes.
bool comes_before(std::string_view a, std::string_view b) {
    std::size_t i = 0;
    std::size_t j = 0;
    while (i < a.size() && j < b.size()) {
        if (is_digit(a[i]) && is_digit(b[j])) {
            const std::string_view x = take_number(a, i);
            const std::string_view y = take_number(b, j);
            if (x != y) {
                return x.size() != y.size() ? x.size() < y.size() : x < y;
            }
        } else if (a[i] != b[j]) {
            return a[i] < b[j];
        } else {
            ++i;
            ++j;
        }
    }
    if (i < a.size() || j < b.size()) {
        return j < b.size();
    }
    return a < b;
}

std::optional<Split> split_of_word(std::string_view word) {
    if (word == "train" || word == "training") {
        return Split::Train;
    }
    if (word == "test" || word == "validation") {
        return Split::Validation;
    }
    return std::nullopt;
}

}  // namespace

bool is_masked_file(const std::filesystem::path& path) {
    const std::string ending = path.extension().string();
    return ending == ".hdf5" || ending == ".h5";
}

Split split_of_masked_file(const std::string& name) {
    std::optional<Split> split;
    for (std::size_t begin = 0; begin <= name.size();) {
        const std::size_t end = std::min(name.find_first_of("_-.", begin), name.size());
        if (const auto found = split_of_word(std::string_view(name).substr(begin, end - begin))) {
            split = found;
        }
        begin = end + 1;
    }
    if (!split) {
        throw InputError(name +
                         " does not say which split it belongs to (the last of the words train, "
                         "training, test, validation in its name decides); rename it, e.g. to "
                         "train_shard_0.hdf5");
    }
    return *split;
}

MaskedFiles sort_masked_files(const std::vector<InputEntry>& inputs,
                              const std::filesystem::path& folder) {
    MaskedFiles files;
    for (const InputEntry& input : inputs) {
        if (is_masked_file(input.path)) {
            const bool is_train =
                split_of_masked_file(input.path.filename().string()) == Split::Train;
            (is_train ? files.train : files.validation).push_back(input);
        }
    }
    for (auto* split : {&files.train, &files.validation}) {
        if (split->empty()) {
            throw InputError(folder.string() + " has no " +
                             (split == &files.train ? "training" : "test") +
                             " file (each split needs one); names are like train_shard_0.hdf5 and "
                             "test_shard_0.hdf5, or wiki_training_0.hdf5 and wiki_test_0.hdf5");
        }
        std::ranges::sort(*split, comes_before, &InputEntry::name);
    }
    return files;
}

}  // namespace hpml::corpus
