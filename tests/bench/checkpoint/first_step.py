#!/usr/bin/env python3
"""Start hpml_pretrain and print how many seconds passed until its first step began, and for
how many seconds that step waited for data: first_step.py RUN-FOLDER COMMAND..."""
import json
import subprocess
import sys
import time


def first_of_this_start(run):
    """The metrics of the first step behind the last start."""
    with open(f"{run}/metrics.jsonl", encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    start = max(i for i, line in enumerate(lines) if line["kind"] == "start")
    return next(line for line in lines[start:] if line["kind"] == "train")


def main():
    run, *command = sys.argv[1:]
    started, ended, said = time.monotonic(), None, []
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    for line in process.stdout:
        said.append(line)
        if ended is None and line.startswith("step "):
            ended = time.monotonic()
    if process.wait() != 0 or ended is None:
        sys.exit("first_step.py: error: no step ran\n" + "".join(said[-20:]))
    step = first_of_this_start(run)
    print(f"{ended - started - step['seconds']:.2f} {step['data_wait_seconds']:.4f}")


if __name__ == "__main__":
    main()
