#include "corpus/prepare_output.h"

#include <cstdint>
#include <span>
#include <string>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "base/file.h"
#include "corpus/data_folder.h"

namespace hpml::corpus {

namespace fs = std::filesystem;

PrepareOutput::PrepareOutput(fs::path output, const mpi::Communicator& ranks, const Log& log)
    : output_(std::move(output)), ranks_(ranks), log_(log) {}

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
        if (const int removed = lock_->remove_leftovers(); removed > 0) {
            log_.info("removed {} temporary files of an earlier, killed run", removed);
        }
    });
}

OutputState PrepareOutput::compare(Json settings) {
    settings_ = std::move(settings);
    std::int64_t state = 0;
    mpi::on_root(ranks_,
                 [&] { state = static_cast<std::int64_t>(examine_output(output_, settings_)); });
    ranks_.max(std::span(&state, 1));
    return static_cast<OutputState>(state);
}

OutputState PrepareOutput::open(const std::vector<InputEntry>& inputs,
                                const SettingsOf& settings_of) {
    const Digest stamp = input_stamp(inputs);
    std::string known;
    mpi::on_root(ranks_, [&] {
        const auto content = known_content(output_, stamp);
        known = content ? content->hex() : "";
    });
    known = ranks_.broadcast(known);
    if (!known.empty() && compare(settings_of(Digest::from_hex(known))) == OutputState::Finished) {
        mpi::on_root(ranks_, [&] { remove_what_a_kill_left(); });
        return OutputState::Finished;
    }
    lock();
    const OutputState state = compare(
        settings_of(known.empty() ? input_content(inputs, ranks_) : Digest::from_hex(known)));
    mpi::on_root(ranks_, [&] {
        if (state == OutputState::Finished) {
            remove_what_a_kill_left();
        } else {
            make_folders(scratch());
        }
        write_settings(output_, settings_, stamp);
    });
    return state;
}

void PrepareOutput::publish(Manifest& manifest, const text::Tokenizer& tokenizer) const {
    manifest.tokenizer = tokenizer.kind();
    manifest.lower_case = tokenizer.letter_case() == text::LetterCase::Lower;
    manifest.vocabulary_size = tokenizer.size();
    manifest.vocabulary_hash = tokenizer.hash();
    manifest.settings_hash = settings_hash(settings_);
    manifest.count_tokens();
    mpi::on_root(ranks_, [&] {
        write_tokenizer(output_, tokenizer);
        write_manifest(output_, manifest);
        remove_scratch();
    });
}

void PrepareOutput::remove_what_a_kill_left() const {
    if (!fs::exists(scratch())) {
        return;
    }
    try {
        std::optional<PrepareLock> lock;
        if (!lock_) {
            lock.emplace(output_);
            (void)lock->remove_leftovers();
        }
        remove_scratch();
    } catch (const OutputError&) {
        return;  // another one works there and will do it, or nobody may
    }
}

void PrepareOutput::remove_scratch() const noexcept {
    std::error_code ignored;
    fs::remove_all(scratch(), ignored);
}

}  // namespace hpml::corpus
