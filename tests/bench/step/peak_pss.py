#!/usr/bin/env python3
"""Run a command and print the largest proportional set size (PSS, MB) that any one of its processes reached, looked
at five times a second: peak_pss.py COMMAND...

Pages of files (libraries, for the most part) are divided among the command's own processes: the kernel's own figure
divides them among all processes of the machine, so that another job with the same libraries, run beside the command,
would make it look smaller by 60 MB."""
import collections
import pathlib
import re
import subprocess
import sys
import time

MAPPING = re.compile(r"[0-9a-f]+-[0-9a-f]+ \S+ \S+ (\S+) (\d+) *(.*)")


def descendants(pid):
    try:
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [int(c) for c in children] + [d for c in children for d in descendants(int(c))]


def mappings(pid):
    """Of a process: (file or None, {"Rss": bytes, "Pss": bytes, ...}) of each."""
    found = []
    try:
        lines = pathlib.Path(f"/proc/{pid}/smaps").read_text().splitlines()
    except OSError:  # it has ended
        return found
    for line in lines:
        mapping = MAPPING.match(line)
        if mapping:
            device, inode, name = mapping.groups()
            # Memory that processes share has an inode and a name, too, but belongs to the command alone.
            in_memory = inode == "0" or name.startswith(("/memfd:", "/dev/", "/SYSV"))
            found.append((None if in_memory else (device, inode), collections.Counter()))
        elif line.endswith(" kB"):
            key, size, _ = line.split()
            found[-1][1][key.rstrip(":")] = int(size) * 1024
    return found


def proportional_sizes(pids):
    of_pid = {pid: mappings(pid) for pid in pids}
    users = collections.Counter(file for maps in of_pid.values() for file in {file for file, _ in maps})
    return [
        sum(
            size["Pss"] if file is None
            # Pages that were written to are the process's own.
            else size["Anonymous"] + (size["Rss"] - size["Anonymous"]) / users[file]
            for file, size in maps
        )
        for maps in of_pid.values()
    ]


def main():
    process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    peak = 0
    while process.poll() is None:
        peak = max([peak] + proportional_sizes(descendants(process.pid)))
        time.sleep(0.2)
    print(round(peak / 1e6))
    sys.exit(process.returncode)


if __name__ == "__main__":
    main()
