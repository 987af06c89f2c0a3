#!/usr/bin/env python3
"""Read a run's TensorBoard events with TensorBoard's own reader and compare them with metrics.jsonl.

    python3 tests/golden/check_events.py RUN      # needs the package tensorboard (jobs/bootstrap.sh --peers)

events_program_test runs it. What is not finite is null in metrics.jsonl.
"""
import json
import math
import pathlib
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

TAGS = {"train/loss": ("train", "loss"), "train/learning_rate": ("train", "learning_rate"),
        "train/grad_norm": ("train", "grad_norm"), "validation/loss": ("validation", "validation_loss")}


def is_same(found, expected):
    if expected is None:
        return not math.isfinite(found)
    return math.isclose(found, expected, rel_tol=1e-6, abs_tol=1e-12)


def main():
    run = pathlib.Path(sys.argv[1])
    events = EventAccumulator(str(run), size_guidance={"scalars": 0})
    events.Reload()
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    compared = 0
    for tag, (kind, key) in TAGS.items():
        expected = {line["step"]: line[key] for line in lines if line["kind"] == kind}
        if not expected:
            continue
        found = {event.step: event.value for event in events.Scalars(tag)}
        if found.keys() != expected.keys():
            sys.exit(f"{tag}: steps {sorted(found)} in the events, {sorted(expected)} in metrics.jsonl")
        for step, value in expected.items():
            if not is_same(found[step], value):
                sys.exit(f"{tag} of step {step}: {found[step]} in the events, {value} in metrics.jsonl")
        compared += len(expected)
    print(f"{compared} values of {len(TAGS)} kinds as TensorBoard reads them equal metrics.jsonl")


if __name__ == "__main__":
    main()
