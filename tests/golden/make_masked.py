"""Makes tests/golden/masked/: two small folders of masked rows written by h5py (not by hpml) as the
predecessors' create_pretraining_data.py writes them, and in expected.json what they hold.

    python tests/golden/make_masked.py          needs numpy and h5py

academic-budget/ has no next-sentence labels, and two copies of every training row with other masks
in two files, as a duplication factor of 2 gives; nvidia/ has pairs of segments and labels of them.
Both are read with tests/golden/corpus/vocab.txt.
"""

import json
import os
import random

import h5py
import numpy

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDER = os.path.join(HERE, "masked")
VOCABULARY, CLS, SEP, MASK = 305, 2, 3, 4
LENGTH, MAX_PREDICTIONS = 24, 5


def make_row(rng, pair):
    """Token ids without masks, and segments."""
    words = [rng.randrange(5, VOCABULARY) for _ in range(rng.randint(3, LENGTH - 3))]
    if not pair:
        return [CLS] + words[:LENGTH - 2] + [SEP], [0] * (len(words) + 2)
    cut = rng.randint(1, len(words) - 1)
    tokens = [CLS] + words[:cut] + [SEP] + words[cut:] + [SEP]
    return tokens, [0] * (cut + 2) + [1] * (len(words) - cut + 1)


def mask(rng, tokens):
    """create_masked_lm_predictions: 15 % of the candidates; 80 % [MASK], 10 % kept, 10 % random."""
    candidates = [i for i, token in enumerate(tokens) if token not in (CLS, SEP)]
    rng.shuffle(candidates)
    count = min(MAX_PREDICTIONS, max(1, int(round(len(tokens) * 0.15))))
    masked, positions = list(tokens), sorted(candidates[:count])
    for position in positions:
        if rng.random() < 0.8:
            masked[position] = MASK
        elif rng.random() < 0.5:
            masked[position] = rng.randint(0, VOCABULARY - 1)
    return masked, positions, [tokens[position] for position in positions]


def write_instances(path, rows, with_labels):
    """write_instance_to_example_file, line by line: padding by 0, h5py's own gzip and chunks."""
    features = {key: [] for key in ("input_ids", "input_mask", "segment_ids",
                                    "masked_lm_positions", "masked_lm_ids",
                                    "next_sentence_labels")}
    for row in rows:
        padding = [0] * (LENGTH - len(row["tokens"]))
        rest = [0] * (MAX_PREDICTIONS - len(row["positions"]))
        features["input_ids"].append(row["tokens"] + padding)
        features["input_mask"].append([1] * len(row["tokens"]) + padding)
        features["segment_ids"].append(row["segments"] + padding)
        features["masked_lm_positions"].append(row["positions"] + rest)
        features["masked_lm_ids"].append(row["labels"] + rest)
        features["next_sentence_labels"].append(row.get("next_sentence", 0))
    with h5py.File(path, "w") as file:
        for key, kind in (("input_ids", "i4"), ("input_mask", "i1"), ("segment_ids", "i1"),
                          ("masked_lm_positions", "i4"), ("masked_lm_ids", "i4")):
            file.create_dataset(key, data=numpy.array(features[key]), dtype=kind,
                                compression="gzip")
        if with_labels:
            file.create_dataset("next_sentence_labels", dtype="i1", compression="gzip",
                                data=numpy.array(features["next_sentence_labels"]))


def make_file(folder, name, rng, originals, with_labels):
    rows = []
    for tokens, segments in originals:
        masked, positions, labels = mask(rng, tokens)
        rows.append({"tokens": masked, "originals": tokens, "segments": segments,
                     "positions": positions, "labels": labels})
        if with_labels:
            rows[-1]["next_sentence"] = rng.randint(0, 1)
    os.makedirs(os.path.join(FOLDER, folder), exist_ok=True)
    write_instances(os.path.join(FOLDER, folder, name), rows, with_labels)
    return rows


def main():
    rng = random.Random(12345)
    expected = {}

    def add(folder, name, originals, with_labels):
        path = f"{folder}/{name}"
        expected[path] = make_file(folder, name, rng, originals, with_labels)

    shards = [[make_row(rng, False) for _ in range(7)] for _ in range(2)]
    for copy in range(2):
        for index, shard in enumerate(shards):
            add("academic-budget", f"train_shard_{copy * 2 + index}.hdf5", shard, False)
    add("academic-budget", "test_shard_0.hdf5", [make_row(rng, False) for _ in range(4)], False)
    for index in (2, 10):
        add("nvidia/wiki", f"wiki_training_{index}.hdf5",
            [make_row(rng, True) for _ in range(5)], True)
    add("nvidia/wiki", "wiki_test_0.hdf5", [make_row(rng, True) for _ in range(3)], True)
    with open(os.path.join(FOLDER, "expected.json"), "w", encoding="utf-8") as file:
        file.write("{\n" + ",\n".join(
            f" {json.dumps(path)}: [\n  " + ",\n  ".join(json.dumps(row) for row in rows) + "]"
            for path, rows in expected.items()) + "\n}\n")


if __name__ == "__main__":
    main()
