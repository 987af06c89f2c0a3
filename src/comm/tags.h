#pragma once

namespace hpml::comm {

/// A tag for each operation in turn, so that the messages of those under way do not mix.
class Tags {
  public:
    [[nodiscard]] int take() {
        const int tag = next_;
        next_ = (next_ + 1) % kTags;
        return tag;
    }

  private:
    /// The range that every MPI library offers (MPI 3.1, section 8.1.2).
    static constexpr int kTags = 32768;
    int next_ = 0;
};

}  // namespace hpml::comm
