#!/usr/bin/env python3
"""Run a command and print the largest proportional set size (PSS, MB) that any one of its processes reached, looked
at five times a second: peak_pss.py COMMAND..."""
import pathlib
import subprocess
import sys
import time


def descendants(pid):
    try:
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [int(c) for c in children] + [d for c in children for d in descendants(int(c))]


def pss(pid):
    try:
        for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def main():
    process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    peak = 0
    while process.poll() is None:
        peak = max([peak] + [pss(pid) for pid in descendants(process.pid)])
        time.sleep(0.2)
    print(round(peak / 1e6))
    sys.exit(process.returncode)


if __name__ == "__main__":
    main()
