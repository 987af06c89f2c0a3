#include "base/log.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <atomic>

namespace hpml {

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

Log::Log(Rank rank, bool speaks)
    : logger_(std::make_shared<spdlog::logger>("hpml",
                                               std::make_shared<spdlog::sinks::stderr_sink_mt>())),
      rank_(rank),
      speaks_(speaks) {
    logger_->set_pattern("%v");
    logger_->flush_on(spdlog::level::info);
    logger_->set_error_handler(report_once);
}

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
