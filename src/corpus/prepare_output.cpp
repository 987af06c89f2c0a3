#include "corpus/prepare_output.h"

#include <algorithm>
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "base/file.h"
#include "corpus/data_folder.h"
#include "mpi/root_text.h"

namespace hpml::corpus {

namespace fs = std::filesystem;

namespace {

/// Pieces lie in the output's, notes of finished shards in that of their corpus.
fs::path scratch_of(const fs::path& folder) { return folder / ".work"; }

}  // namespace

PrepareOutput::PrepareOutput(fs::path output, std::vector<fs::path> corpora,
                             const mpi::Communicator& ranks, const Log& log)
    : output_(std::move(output)), ranks_(ranks), log_(log) {
    for (fs::path& folder : corpora) {
        corpora_.push_back({std::move(folder), {}, OutputState::New});
    }
}

void PrepareOutput::lock() {
    if (std::exchange(is_locked_, true)) {
        return;
    }
    mpi::on_root(ranks_, [&] {
        make_folders(output_);
        lock_.emplace(output_);
        if (!lock_->guards()) {
            log_.warn(
                "the file system of {} has no locks; see that no other hpml_prepare writes "
                "there",
                output_.string());
        }
        if (const int removed = remove_leftovers(*lock_); removed > 0) {
            log_.info("removed {} temporary files of an earlier, killed run", removed);
        }
    });
}

OutputState PrepareOutput::compare(const SettingsOf& settings_of, const Digest& content) {
    std::vector<std::int64_t> states(corpora_.size());
    for (std::size_t i = 0; i < corpora_.size(); ++i) {
        corpora_[i].settings = settings_of(content, i);
    }
    mpi::on_root(ranks_, [&] {
        for (std::size_t i = 0; i < corpora_.size(); ++i) {
            states[i] =
                static_cast<std::int64_t>(examine_output(corpora_[i].folder, corpora_[i].settings));
        }
    });
    ranks_.max(std::span(states));
    for (std::size_t i = 0; i < corpora_.size(); ++i) {
        corpora_[i].state = static_cast<OutputState>(states[i]);
    }
    return static_cast<OutputState>(*std::ranges::min_element(states));
}

/// The hash of the inputs' content that a corpus has noted; empty: none has.
std::string PrepareOutput::find_content(const Digest& stamp) const {
    return mpi::text_of_root(ranks_, [&] {
        std::string known;
        for (const Corpus& corpus : corpora_) {
            if (const auto content = known_content(corpus.folder, stamp)) {
                known = content->hex();
            }
        }
        return known;
    });
}

OutputState PrepareOutput::open(const std::vector<InputEntry>& inputs,
                                const SettingsOf& settings_of) {
    const Digest stamp = input_stamp(inputs);
    const std::string known = find_content(stamp);
    if (!known.empty() && compare(settings_of, Digest::from_hex(known)) == OutputState::Finished) {
        mpi::on_root(ranks_, [&] { remove_what_a_kill_left(); });
        return OutputState::Finished;
    }
    lock();
    const OutputState state = compare(
        settings_of, known.empty() ? input_content(inputs, ranks_) : Digest::from_hex(known));
    mpi::on_root(ranks_, [&] {
        if (state == OutputState::Finished) {
            remove_what_a_kill_left();
        } else {
            make_folders(scratch());
        }
        for (const Corpus& corpus : corpora_) {
            make_folders(corpus.state == OutputState::Finished ? corpus.folder
                                                               : scratch_of(corpus.folder));
            write_settings(corpus.folder, corpus.settings, stamp);
        }
    });
    return state;
}

void PrepareOutput::publish(Manifest& manifest, const text::Tokenizer& tokenizer,
                            std::size_t corpus) const {
    manifest.tokenizer = tokenizer.kind();
    manifest.lower_case = tokenizer.letter_case() == text::LetterCase::Lower;
    manifest.vocabulary_size = tokenizer.size();
    manifest.vocabulary_hash = tokenizer.hash();
    manifest.settings_hash = settings_hash(settings(corpus));
    manifest.count_tokens();
    mpi::on_root(ranks_, [&] {
        write_tokenizer(folder(corpus), tokenizer);
        write_manifest(folder(corpus), manifest);
    });
}

void PrepareOutput::remove_what_a_kill_left() const {
    const auto has_scratch = [](const Corpus& corpus) {
        return fs::exists(scratch_of(corpus.folder));
    };
    if (!fs::exists(scratch()) && std::ranges::none_of(corpora_, has_scratch)) {
        return;
    }
    try {
        std::optional<PrepareLock> lock;
        if (!lock_) {
            lock.emplace(output_);
            (void)remove_leftovers(*lock);
        }
        remove_scratch();
    } catch (const OutputError&) {
        return;  // another one works there and will do it, or nobody may
    }
}

int PrepareOutput::remove_leftovers(const PrepareLock& lock) const {
    std::set<fs::path> folders{output_};
    for (const Corpus& corpus : corpora_) {
        folders.insert(corpus.folder);
    }
    int removed = 0;
    for (const fs::path& folder : folders) {
        removed += lock.remove_leftovers(folder) + lock.remove_leftovers(scratch_of(folder));
    }
    return removed;
}

void PrepareOutput::remove_scratch() const noexcept {
    std::error_code ignored;
    fs::remove_all(scratch(), ignored);
    for (const Corpus& corpus : corpora_) {
        fs::remove_all(scratch_of(corpus.folder), ignored);
    }
}

}  // namespace hpml::corpus
