"""Reads what `hpml_prepare convert --to academic-budget|nvidia` has written as the predecessors'
training programs read it, with h5py, and compares every row with the shards that it was made from,
masked by the second implementation in corpus_reader.py.

    python tests/bench/masked_reader.py SHARDS MASKED          needs numpy and h5py
"""

import json
import os
import sys

import h5py
import numpy

import corpus_reader

TYPES = {"input_ids": "<i4", "input_mask": "|i1", "segment_ids": "|i1",
         "masked_lm_positions": "<i4", "masked_lm_ids": "<i4"}
IGNORE = -1


def read_file(path, length, max_predictions):
    """(input_ids, input_mask, masked_lm_labels) of every row, the last as both programs make it."""
    with h5py.File(path, "r") as file:
        for key, kind in TYPES.items():
            assert file[key].dtype.str == kind and file[key].compression == "gzip", (path, key)
        arrays = {key: numpy.asarray(file[key][:]) for key in TYPES}
    rows = len(arrays["input_ids"])
    for key in TYPES:
        width = max_predictions if key.startswith("masked") else length
        assert arrays[key].shape == (rows, width), (path, key)
    assert not arrays["segment_ids"].any()
    for row in range(rows):
        labels = numpy.full(length, IGNORE, dtype=numpy.int64)
        positions = arrays["masked_lm_positions"][row].astype(numpy.int64)
        zeros = numpy.nonzero(positions == 0)[0]
        count = zeros[0] if len(zeros) else max_predictions
        labels[positions[:count]] = arrays["masked_lm_ids"][row][:count]
        yield arrays["input_ids"][row], arrays["input_mask"][row], labels


def compare(shards, masked):
    with open(os.path.join(masked, "convert.json"), encoding="utf-8") as file:
        settings = json.load(file)["settings"]
    special = corpus_reader.read_special(shards)
    nvidia = settings["to"] == "nvidia"
    names = {"train": settings["name"] + "_training_{}.hdf5" if nvidia else "train_shard_{}.hdf5",
             "validation": settings["name"] + "_test_{}.hdf5" if nvidia else "test_shard_{}.hdf5"}
    compared = 0
    for split, name in names.items():
        rows = corpus_reader.Rows(shards, split)
        sizes = [entry["rows"] for entry in rows.manifest[split] if entry["rows"] > 0]
        length, number = rows.manifest["sequence_length"], 0
        for copy in range(settings["copies"] if split == "train" else 1):
            sample = 0
            for size in sizes:
                path = os.path.join(masked, name.format(number))
                stored = list(read_file(path, length, settings["max-predictions"]))
                assert len(stored) == size, path
                for ids, mask, labels in stored:
                    tokens, positions, originals = corpus_reader.mask(
                        rows[sample], settings["seed"], copy, sample, special,
                        rows.manifest["vocabulary_size"], rate=settings["masking-rate"],
                        max_predictions=settings["max-predictions"])
                    assert mask.tolist() == [1] * len(tokens) + [0] * (length - len(tokens)), path
                    assert ids.tolist() == tokens.tolist() + [0] * (length - len(tokens)), path
                    expected = numpy.full(length, IGNORE, dtype=numpy.int64)
                    expected[positions] = originals
                    assert (labels == expected).all(), path
                    sample += 1
                    compared += 1
                number += 1
        assert not os.path.exists(os.path.join(masked, name.format(number)))
    print(f"{compared} rows are what {shards} gives")


if __name__ == "__main__":
    compare(sys.argv[1], sys.argv[2])
