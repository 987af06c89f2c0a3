#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "corpus/loader.h"
#include "corpus/prepare_input.h"

namespace hpml::corpus {

/// The split of a predecessor's file by its name: of the words train, training, test and
/// validation, parted from others by '_', '-' or '.', the last one decides. So train_shard_3.hdf5,
/// wiki_training_3.hdf5 and latest_training_3.hdf5 are for training, test_shard_3.hdf5 and
/// train_set_test_3.hdf5 for validation.
/// @throw InputError naming the file, if it has none of them
[[nodiscard]] Split split_of_masked_file(const std::string& name);

/// Whether the name ends in .hdf5 or .h5.
[[nodiscard]] bool is_masked_file(const std::filesystem::path& path);

/// Of the files, those that end in .hdf5 or .h5, by split, in the order of folders, then names,
/// numbers in them by value (so that shard 10 follows shard 9).
struct MaskedFiles {
    std::vector<InputEntry> train;
    std::vector<InputEntry> validation;
};
/// @throw InputError if a split has none, or for a name without split
[[nodiscard]] MaskedFiles sort_masked_files(const std::vector<InputEntry>& inputs,
                                            const std::filesystem::path& folder);

}  // namespace hpml::corpus
