#!/usr/bin/env python3
"""All-reduce of hpml::comm beside gloo's as PyTorch ships it, turn by turn: both sides' processes stay alive, and
a side that has no turn sleeps. Every buffer is filled anew before each iteration and every sum is compared with the
exact one after it, outside the timed part. Per size, at least five rounds of one turn for each side; the figures are
medians of a turn, the ratios are made round by round, and their median is shown.

    compare.py TURNS [--ranks N] [--rounds N] [--growth N] [--json FILE]

TURNS is the program of turns.cpp; run.sh builds it and calls this.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time

import torch
import torch.distributed as dist

PERIOD = 512  # of the values: every size is a multiple


def gloo_rank(most):
    """One gloo process: a line "BYTES ITERATIONS" in, rank 0 answers with a line of JSON."""
    torch.set_num_threads(1)
    dist.init_process_group("gloo")
    rank, ranks = dist.get_rank(), dist.get_world_size()
    if ranks <= os.cpu_count():
        os.sched_setaffinity(0, {rank})
    memory = torch.zeros(most // 4)
    for line in sys.stdin:
        count, iterations = int(line.split()[0]) // 4, int(line.split()[1])
        values = memory[:count]
        rows = values.view(-1, PERIOD)
        times, wrong = [], 0
        for iteration in range(iterations):
            first = ((torch.arange(PERIOD) + iteration * 7) % PERIOD).float()
            rows.copy_(first + rank)
            dist.barrier()
            start = time.perf_counter()
            dist.all_reduce(values)
            slowest = torch.tensor(time.perf_counter() - start, dtype=torch.float64)
            dist.all_reduce(slowest, dist.ReduceOp.MAX)
            times.append(slowest.item() * 1e6)
            wrong += int((rows != first * ranks + ranks * (ranks - 1) / 2).sum())
        total = torch.tensor(wrong)
        dist.all_reduce(total)
        if rank == 0:
            print(json.dumps({"microseconds": times, "wrong": total.item()}), flush=True)
    dist.destroy_process_group()


class Side:
    """The processes of one side; the first one answers."""

    def __init__(self, processes):
        self.processes = processes

    def turn(self, order):
        for process in self.processes:
            process.stdin.write(order + "\n")
            process.stdin.flush()
        answer = self.processes[0].stdout.readline()
        if not answer:
            sys.exit(f"compare: error: {self.processes[0].args[0]} ended; what it said is above")
        return json.loads(answer)

    def end(self):
        for process in self.processes:
            process.stdin.close()
        for process in self.processes:
            process.wait(timeout=60)


def start(command, **environment):
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                            env=dict(os.environ, **environment))


def start_sides(args, most):
    port = str(20000 + os.getpid() % 20000)
    gloo = [start([sys.executable, __file__, "--gloo", str(most)], RANK=str(rank), WORLD_SIZE=str(args.ranks),
                  MASTER_ADDR="127.0.0.1", MASTER_PORT=port, GLOO_SOCKET_IFNAME="lo", OMP_NUM_THREADS="1")
            for rank in range(args.ranks)]
    ours = start(["mpirun", "-np", str(args.ranks), args.turns, str(most)])
    return Side([ours]), Side(gloo)


def measure(ours, gloo, size, rounds):
    iterations = max(3, min(100, (64 << 20) // size))
    orders = {"allocated": (ours, f"allocated {size} {iterations}"), "own": (ours, f"own {size} {iterations}"),
              "gloo": (gloo, f"{size} {iterations}")}
    for side, order in orders.values():  # connections, page faults
        side.turn(order.rsplit(" ", 1)[0] + " 2")
    medians = {name: [] for name in orders}
    wrong = 0
    for round_ in range(rounds):
        names = list(orders)
        for name in names[round_ % 3:] + names[:round_ % 3]:
            side, order = orders[name]
            answer = side.turn(order)
            medians[name].append(statistics.median(answer["microseconds"]))
            wrong += answer["wrong"]
    row = {"bytes": size, "rounds": rounds, "iterations": iterations, "wrong_sums": wrong}
    for name, values in medians.items():
        row[name + "_microseconds"] = statistics.median(values)
    for name in ("allocated", "own"):
        row[name + "_ratios"] = [theirs / mine for theirs, mine in zip(medians["gloo"], medians[name])]
        row[name + "_ratio"] = statistics.median(row[name + "_ratios"])
    return row


def size_text(size):
    return f"{size >> 20} MiB" if size >= 1 << 20 else f"{size >> 10} KiB"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("turns")
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--growth", type=int, default=4)
    parser.add_argument("--largest-mib", type=int, default=256)
    parser.add_argument("--json")
    args = parser.parse_args()
    most = args.largest_mib << 20
    ours, gloo = start_sides(args, most)
    print(f"torch {torch.__version__}, gloo over loopback; {args.ranks} ranks, {args.rounds} rounds", flush=True)
    print(f"{'size':>8} {'gloo us':>12} {'allocated us':>12} {'own us':>12} {'gloo/allocated':>15} {'gloo/own':>9} "
          f"{'wrong':>5}", flush=True)
    rows, size = [], 4096
    while size <= most:
        row = measure(ours, gloo, size, args.rounds)
        rows.append(row)
        print(f"{size_text(size):>8} {row['gloo_microseconds']:12.1f} {row['allocated_microseconds']:12.1f} "
              f"{row['own_microseconds']:12.1f} {row['allocated_ratio']:15.2f} {row['own_ratio']:9.2f} "
              f"{row['wrong_sums']:5}", flush=True)
        size *= args.growth
    ours.end()
    gloo.end()
    if args.json:
        with open(args.json, "w") as file:
            json.dump({"torch": torch.__version__, "ranks": args.ranks, "rows": rows}, file, indent=2)
            file.write("\n")
    sys.exit(1 if any(row["wrong_sums"] for row in rows) else 0)


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] == "--gloo":
        gloo_rank(int(sys.argv[2]))
    else:
        main()
