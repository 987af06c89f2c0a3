#!/usr/bin/env python3
"""Predictions of hpml_bench simulate beside what hpml_bench allreduce measured; see run.sh.

compare.py scale FIT.json FROM_MBIT TO_MBIT RANKS_PER_NODE   the cluster file for another bandwidth
compare.py predictions OUT                                   a table of what is predicted
compare.py compute OUT                                       seconds of a step without communication
compare.py steps OUT                                         each step beside its prediction
compare.py errors OUT                                        each measurement beside its prediction in predictions.tsv
"""

import json
import pathlib
import sys

WAYS = {"1": ["ring", "twoshot"], "2": ["hierarchical"]}
SIZES = [mebibytes << 20 for mebibytes in (1, 4, 16, 64)]


def scale(fit, from_mbit, to_mbit, ranks_per_node):
    cluster = json.loads(pathlib.Path(fit).read_text())
    cluster["name"] = f"{to_mbit} Mbit/s"
    cluster["ranks_per_node"] = int(ranks_per_node)
    cluster["network"]["bytes_per_second"] *= float(to_mbit) / float(from_mbit)
    print(json.dumps(cluster, indent=2))


def predictions(out):
    print("mbit\thosts\tranks_per_host\talgorithm\tbytes\tpredicted_seconds")
    for file in sorted(pathlib.Path(out).glob("*-predicted.json"), key=lambda f: f.name):
        mbit, hosts, each = file.name.split("-")[:3]
        rows = json.loads(file.read_text())["result"]["predictions"]
        for row in rows:
            for way in WAYS[each]:
                if row["bytes"] in SIZES:
                    print(mbit, hosts, each, way, row["bytes"], row["seconds"][way], sep="\t")


def errors(out):
    out = pathlib.Path(out)
    lines = (out / "predictions.tsv").read_text().splitlines()[1:]
    measured = {}
    for file in out.glob("*-measured.json"):
        key = tuple(file.name.split("-")[:3])
        for row in json.loads(file.read_text())["result"]["rows"]:
            if row["wrong_sums"]:
                sys.exit(f"{file}: wrong sums")
            measured[(*key, row["way"], row["bytes"])] = row["median_seconds"]
    print("Mbit/s hosts ranks  algorithm       size  predicted ms  measured ms   error")
    worst, late = 0.0, 0.0
    for line in lines:
        mbit, hosts, each, way, size, predicted = line.split("\t")
        size, predicted = int(size), float(predicted)
        seconds = measured[(mbit, hosts, each, way, size)]
        error = seconds / predicted - 1
        worst = max(worst, abs(error))
        late = max(late, error if size >= 16 << 20 else 0)
        print(f"{mbit:>6} {hosts:>5} {int(hosts) * int(each):>5}  {way:<13} {size >> 20:>3} MiB "
              f"{predicted * 1e3:>13.1f} {seconds * 1e3:>12.1f} {error * 100:>+6.1f} %")
    print(f"largest error {worst * 100:.1f} % (bar 15 %); from 16 MiB on measured at most "
          f"{1 + late:.3f} x the prediction (bar 1.15)")
    return worst <= 0.15 and late <= 0.15


def result_of(file):
    return json.loads(file.read_text())["result"]


def compute(out):
    alone = [result_of(file)["median_seconds"] for file in pathlib.Path(out).glob("alone-*.json")]
    print(sum(alone) / len(alone))


def steps(out):
    worst = 0.0
    for file in sorted(pathlib.Path(out).glob("*-step-measured.json")):
        measured = result_of(file)["median_seconds"]
        sweep = result_of(file.with_name(file.name.replace("measured", "predicted")))["sweep"]
        predicted = next(way["step_seconds"] for way in sweep
                         if way["allreduce"] == "ring" and way["bucket_bytes"] == 8 << 20)
        error = measured / predicted - 1
        worst = max(worst, abs(error))
        print(f"{file.name.split('-')[0]} Mbit/s, 2 ranks: a step predicted {predicted * 1e3:.0f} ms, "
              f"measured {measured * 1e3:.0f} ms, {error * 100:+.1f} %")
    return worst <= 0.15


if __name__ == "__main__":
    command = {"scale": scale, "predictions": predictions, "errors": errors,
               "compute": compute, "steps": steps}[sys.argv[1]]
    sys.exit(command(*sys.argv[2:]) is False)
