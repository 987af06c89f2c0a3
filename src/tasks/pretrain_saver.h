#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/units.h"
#include "checkpoint/save.h"
#include "corpus/manifest.h"
#include "tasks/background_task.h"
#include "tasks/pretrain.h"
#include "tasks/pretrain_checkpoint.h"
#include "tasks/pretrain_votes.h"
#include "train/replica.h"

namespace hpml::tasks {

/// Saves the checkpoints of a run: on the due steps, again after a save that failed, and at the
/// end. The same decisions on every rank.
///
/// A save goes on beside the training: a thread of every rank writes its share, straight from the
/// weights until they change (checkpoint::PartReader). The threads do not communicate. That a part
/// is written travels with the votes of the steps; when all are, rank 0's thread gives the
/// checkpoint its name, and that comes back with the votes too.
class Saver {
  public:
    enum class Attempt { Due, Retry };

    /// All but the manifest must outlive this. Collective. @throw like common_contents()
    Saver(const PretrainOptions& options, const corpus::Manifest& manifest,
          PretrainContext& context, train::Replica& replica);

    /// The checkpoint of this step stands, or nothing does (-1).
    [[nodiscard]] Step saved() const { return saved_; }
    /// The state of this step is in the replica; what was due behind it will be due again.
    void restored(Step step) {
        saved_ = step;
        milestone_due_.clear();
    }
    /// The next save is to stay for good; if it fails, the next that does not.
    /// @param milestone  why
    void keep_next(std::string milestone) { milestone_due_ = std::move(milestone); }
    /// Whether --checkpoint-every or --keep-every ask for a save after this step.
    [[nodiscard]] bool is_due(Step step) const;

    /// Begin to save the state after the steps done, unless it stands already or is being written.
    /// A save that still runs is waited for. A failure is said, and training goes on. Collective.
    /// @throw IoError if too many in a row failed; MismatchError if a later start owns the run;
    ///        DivergedError if the weights are not finite
    void save(const RunCounters& counters, Attempt attempt);
    /// To be called before weights or optimizer state change. Local.
    void before_update();
    /// What this rank knows of the running save, and on rank 0 of one to be tried again.
    void vote(Votes& votes) const;
    /// Go on with the running save as all ranks know of it. Collective. @throw like save()
    void heed(const Votes& votes);
    /// Wait for the running save, if there is one. Collective. @throw like save()
    void finish();
    /// The last save of a start, waited for. Collective.
    /// @throw IoError if it fails: the work since the last checkpoint would be lost unsaid
    void save_at_end(const RunCounters& counters);

  private:
    enum class Stage { None, Writing, Publishing };

    /// A checkpoint that stays for good.
    [[nodiscard]] bool is_kept(Step step) const;

    [[nodiscard]] bool is_running() const { return stage_ != Stage::None; }
    /// Why the save of this step is to stay, which it takes along; empty: it goes in its turn.
    [[nodiscard]] std::string take_milestone(Step step);
    /// @return whether there is room for it. Collective.
    [[nodiscard]] bool prepare();
    void wait_for_the_one_before(Step next);
    void settle_parts();
    void settle_publication();
    void publish(const std::vector<std::string>& reports);
    /// No thread works on the save any more. Its memory goes: on a GPU it is a copy of the state.
    void end();
    void require_ownership() const;
    /// Said on rank 0; training goes on.
    void fail(const std::string& message);

    const PretrainOptions& options_;
    const CommonContents common_;
    PretrainContext& context_;
    train::Replica& replica_;
    Step saved_{-1};
    std::int64_t failures_ = 0;  ///< of due saves in a row
    Seconds retry_wait_;
    std::optional<Seconds> retry_at_;  ///< rank 0's counts
    bool has_waited_ = false;          ///< and said so
    std::string milestone_due_;        ///< why the next save is to stay; empty: no reason

    // Of the running save.
    Stage stage_ = Stage::None;
    Attempt attempt_ = Attempt::Due;
    std::string milestone_;                            ///< that it has taken
    Seconds writing_;                                  ///< time that this rank's thread has taken
    Seconds stopped_;                                  ///< time that the training has waited
    std::optional<checkpoint::Checkpoint> published_;  ///< rank 0's
    std::string warning_;                              ///< of the thread, to be logged
    std::unique_ptr<checkpoint::Save> save_;
    BackgroundTask task_;  ///< last: its thread uses the others
};

}  // namespace hpml::tasks
