#include "report/status.h"

#include <array>
#include <cmath>

#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"

namespace hpml {

namespace {

constexpr std::array<RunState, 5> kStates = {
    RunState::None, RunState::Running, RunState::Interrupted, RunState::Finished, RunState::Failed};

std::filesystem::path status_file(const std::filesystem::path& run) { return run / "status.json"; }

Json number_or_null(const std::optional<double>& value) {
    return value && std::isfinite(*value) ? Json(*value) : Json(nullptr);
}

std::optional<double> optional_number(const Json& json, const char* key) {
    return json.contains(key) && json[key].is_number() ? std::optional(json[key].get<double>())
                                                       : std::nullopt;
}

Json bytes_or_null(const std::optional<Bytes>& bytes) {
    return bytes ? Json(bytes->value) : Json(nullptr);
}

/// Absent in what an earlier version wrote.
std::optional<Bytes> optional_bytes(const Json& json, const char* key) {
    return json.contains(key) && json[key].is_number_unsigned()
               ? std::optional(Bytes(json[key].get<std::uint64_t>()))
               : std::nullopt;
}

RunState state_of(const std::string& word, const std::string& where) {
    for (const RunState state : kStates) {
        if (state_word(state) == word && state != RunState::None) {
            return state;
        }
    }
    throw InputError(where + ": unknown state '" + word + "'");
}

}  // namespace

std::string state_word(RunState state) {
    switch (state) {
        case RunState::None:
            return "none";
        case RunState::Running:
            return "running";
        case RunState::Interrupted:
            return "interrupted";
        case RunState::Finished:
            return "finished";
        case RunState::Failed:
            return "failed";
    }
    return "none";
}

void write_status(const std::filesystem::path& run, RunStatus status) {
    status.updated = utc_timestamp();
    Json json;
    json["state"] = state_word(status.state);
    json["program"] = status.program;
    json["step"] = status.step;
    json["steps"] = status.steps;
    json["loss"] = number_or_null(status.loss);
    json["learning_rate"] = number_or_null(status.learning_rate);
    json["tokens_per_second"] = number_or_null(status.tokens_per_second);
    json["validation_loss"] = number_or_null(status.validation_loss);
    json["checkpoint"] = status.checkpoint;
    json["started"] = status.started;
    json["updated"] = status.updated;
    json["seconds"] = status.seconds;
    json["memory_bytes"] = bytes_or_null(status.memory);
    json["memory_left_bytes"] = bytes_or_null(status.memory_left);
    json["host"] = status.process.host;
    json["pid"] = status.process.pid;
    json["boot"] = status.process.boot;
    json["process_started"] = status.process.started;
    json["job"] = status.process.job;
    json["ranks"] = status.ranks;
    json["generation"] = status.generation;
    json["exit_code"] = status.exit_code;
    json["message"] = status.message;
    write_json(status_file(run), json);
}

std::optional<RunStatus> read_status(const std::filesystem::path& run) {
    const auto file = status_file(run);
    if (!std::filesystem::exists(file)) {
        return std::nullopt;
    }
    const Json json = read_json(file);
    const std::string where = file.string();
    RunStatus status;
    status.state = state_of(json_member<std::string>(json, "state", where), where);
    status.program = json_member<std::string>(json, "program", where);
    status.step = json_member<std::int64_t>(json, "step", where);
    status.steps = json_member<std::int64_t>(json, "steps", where);
    status.loss = optional_number(json, "loss");
    status.learning_rate = optional_number(json, "learning_rate");
    status.tokens_per_second = optional_number(json, "tokens_per_second");
    status.validation_loss = optional_number(json, "validation_loss");
    status.checkpoint = json_member<std::string>(json, "checkpoint", where);
    status.started = json_member<std::string>(json, "started", where);
    status.updated = json_member<std::string>(json, "updated", where);
    status.seconds = json_member<double>(json, "seconds", where);
    status.memory = optional_bytes(json, "memory_bytes");
    status.memory_left = optional_bytes(json, "memory_left_bytes");
    status.process = {json_member<std::string>(json, "host", where),
                      json_member<std::int64_t>(json, "pid", where),
                      json_member<std::string>(json, "boot", where),
                      json_member<std::int64_t>(json, "process_started", where),
                      json_member<std::string>(json, "job", where)};
    status.ranks = json_member<int>(json, "ranks", where);
    status.generation = json_member<std::int64_t>(json, "generation", where);
    status.exit_code = json_member<int>(json, "exit_code", where);
    status.message = json_member<std::string>(json, "message", where);
    return status;
}

RunState run_verdict(const std::filesystem::path& run) {
    const auto status = read_status(run);
    if (!status) {
        return RunState::None;
    }
    const bool claims_to_run = status->state == RunState::Running;
    return claims_to_run && liveness(status->process) == Liveness::Dead ? RunState::Failed
                                                                        : status->state;
}

}  // namespace hpml
