#include "base/log.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/basic_file_sink.h>

#include <atomic>
#include <mutex>
#include <utility>

namespace hpml {

/// Lines on a stream, the last of which may be one that is replaced by the next.
class ConsoleSink : public spdlog::sinks::base_sink<std::mutex> {
  public:
    ConsoleSink(bool rewrites, bool colors, std::FILE* stream)
        : rewrites_(rewrites), colors_(colors), stream_(stream) {}
    ~ConsoleSink() override { end_progress(); }
    ConsoleSink(const ConsoleSink&) = delete;
    ConsoleSink& operator=(const ConsoleSink&) = delete;
    ConsoleSink(ConsoleSink&&) = delete;
    ConsoleSink& operator=(ConsoleSink&&) = delete;

    void progress(std::string_view line) {
        const std::lock_guard lock(mutex_);
        progress_ = line;
        write(fmt::format("{}{}", kClear, progress_));
    }
    void end_progress() {
        const std::lock_guard lock(mutex_);
        if (!progress_.empty()) {
            write("\n");
            progress_.clear();
        }
    }

  protected:
    void sink_it_(const spdlog::details::log_msg& message) override {
        const std::string_view line(message.payload.data(), message.payload.size());
        // Also without a progress line of our own: another rank's may stand on the same terminal.
        write(fmt::format("{}{}\n{}", rewrites_ ? kClear : "",
                          colors_ ? with_colored_word(line) : std::string(line), progress_));
    }
    void flush_() override { std::fflush(stream_); }

  private:
    /// To the line's begin, and empty to its end.
    static constexpr std::string_view kClear = "\r\x1b[K";

    /// In one call, so that what other processes write does not come in between.
    void write(const std::string& text) const { std::fwrite(text.data(), 1, text.size(), stream_); }

    bool rewrites_;
    bool colors_;
    std::FILE* stream_;
    std::string progress_;
};

namespace {

/// One warning for a log that cannot be written (a full disk), not one per line.
void report_once(const std::string& reason) {
    static std::atomic_flag said;
    if (!said.test_and_set()) {
        fmt::print(stderr, "warning: the log cannot be written ({}); the run goes on without it\n",
                   reason);
    }
}

}  // namespace

Log::Log(Rank rank, bool speaks, ConsoleStyle style, std::FILE* stream)
    : style_(std::move(style)),
      console_(std::make_shared<ConsoleSink>(style_.rewrites, style_.colors, stream)),
      logger_(std::make_shared<spdlog::logger>("hpml", console_)),
      rank_(rank),
      speaks_(speaks) {
    // Lines at the level below are for the file only.
    console_->set_level(spdlog::level::info);
    logger_->set_level(spdlog::level::debug);
    logger_->flush_on(spdlog::level::debug);
    logger_->set_error_handler(report_once);
}

void Log::progress(std::string_view line, Keep keep) const {
    if (!speaks_) {
        return;
    }
    if (style_.rewrites) {
        console_->progress(line);
    }
    if (keep == Keep::Yes) {
        logger_->log(style_.rewrites ? spdlog::level::debug : spdlog::level::info, line);
    }
}

void Log::end_progress() const { console_->end_progress(); }

void Log::also_to_file(const std::string& path) {
    try {
        auto sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(path);
        sink->set_pattern("%Y-%m-%dT%H:%M:%S %v");
        logger_->sinks().push_back(std::move(sink));
    } catch (const spdlog::spdlog_ex& failure) {
        report_once(failure.what());
    }
}

void Log::say(std::string_view line) const {
    if (speaks_) {
        logger_->info(line);
    }
}

void Log::say_local(std::string_view line) const {
    logger_->info("{}[rank {}]", fmt::format("{} ", line), rank_.value);
}

}  // namespace hpml
