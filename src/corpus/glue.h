#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace hpml::corpus {

enum class GlueSplit { Train, Dev, Test };

/// Where the fields of one file stand; columns count from 0, -1: not there.
struct GlueColumns {
    std::vector<std::string> names;  ///< as in the header line, or for the error if there is none
    bool header = true;
    int first = 0;
    int second = -1;
    int label = -1;
};

/// A task of the GLUE benchmark (Wang et al. 2018) and the form of its tab-separated files.
struct GlueTask {
    std::string name;                  ///< as given to --task, e.g. "sst2"
    std::string title;                 ///< as papers write it, e.g. "SST-2"
    GlueColumns train;                 ///< also of dev.tsv
    GlueColumns test;                  ///< has no labels
    std::vector<std::string> labels;   ///< label i is written as labels[i]; empty for regression
    std::vector<std::string> metrics;  ///< names as in Hugging Face's result files

    [[nodiscard]] bool is_regression() const { return labels.empty(); }
    [[nodiscard]] bool is_pair() const { return train.second >= 0; }
};

/// One example; `second` is empty for single-sentence tasks.
struct GlueExample {
    std::string first;
    std::string second;
    float label = 0;  ///< class index, or score in [0, 5]; 0 in the test split, which has none
};

/// The tasks' names: cola, sst2, mrpc, stsb.
[[nodiscard]] std::vector<std::string> glue_task_names();
/// @throw UsageError listing the names
[[nodiscard]] const GlueTask& glue_task(std::string_view name);

/// Read train.tsv, dev.tsv or test.tsv of `folder`: split at tabs, quotes mean nothing, a byte
/// order mark and CR LF are tolerated.
/// @throw MissingInputError; InputError "file:line: ..." for a wrong header, a wrong number of
/// columns, an empty sentence or a label outside the task's
[[nodiscard]] std::vector<GlueExample> read_glue(const GlueTask& task,
                                                 const std::filesystem::path& folder,
                                                 GlueSplit split);

}  // namespace hpml::corpus
