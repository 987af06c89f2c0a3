"""Makes tests/golden/corpus/: a small data folder written by h5py (not by hpml) and, in
expected.json, what its loader must give by the second implementation in tests/bench/corpus_reader.py.

    python tests/golden/make_corpus.py          needs numpy, h5py, and the system's libxxhash
"""

import ctypes
import ctypes.util
import json
import os
import sys

import h5py
import numpy

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDER = os.path.join(HERE, "corpus")
sys.path.insert(0, os.path.join(HERE, "..", "bench"))
import corpus_reader  # noqa: E402

WORDS = 300
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


class Hash(ctypes.Structure):
    _fields_ = [("low", ctypes.c_uint64), ("high", ctypes.c_uint64)]


def xxh3_128(data):
    library = ctypes.CDLL(ctypes.util.find_library("xxhash") or "libxxhash.so.0")
    library.XXH3_128bits.restype = Hash
    library.XXH3_128bits.argtypes = [ctypes.c_char_p, ctypes.c_size_t]
    value = library.XXH3_128bits(data, len(data))
    return f"{value.high:016x}{value.low:016x}"


def write_shard(name, rows, first_document, attributes):
    path = os.path.join(FOLDER, name)
    with h5py.File(path, "w", libver="earliest") as file:
        for key, value in attributes.items():
            fixed = numpy.bytes_(value) if isinstance(value, str) else numpy.int64(value)
            file.attrs[key] = fixed
        lengths = [0] + [len(row) for row in rows]
        file.create_dataset("tokens", data=numpy.concatenate(rows).astype("<u2"), track_times=False)
        file.create_dataset("offsets", data=numpy.cumsum(lengths).astype("<i4"), track_times=False)
        file.attrs["first_document"] = numpy.int64(first_document)
        documents = numpy.arange(len(rows)) // 2
        file.create_dataset("documents", data=documents.astype("<i4"), track_times=False)
    with open(path, "rb") as file:
        data = file.read()
    return {"name": name, "rows": len(rows), "tokens": sum(lengths), "bytes": len(data),
            "xxh3_128": xxh3_128(data)}


def main():
    os.makedirs(FOLDER, exist_ok=True)
    vocabulary = "".join(f"{token}\n" for token in SPECIAL + [f"word{i}" for i in range(WORDS)])
    with open(os.path.join(FOLDER, "vocab.txt"), "w", encoding="utf-8") as file:
        file.write(vocabulary)
    size = WORDS + len(SPECIAL)
    attributes = {"format": "hpml-corpus", "format_version": 2, "sequence_length": 20,
                  "vocabulary_size": size, "vocabulary_hash": xxh3_128(vocabulary.encode()),
                  "settings_hash": "00000000000000010000000000000002"}
    generator = numpy.random.default_rng(5)
    rows = [[2, *generator.integers(5, size, generator.integers(1, 19)).tolist(), 3]
            for _ in range(37)]
    train = [write_shard("train-0.h5", rows[:20], 0, attributes),
             write_shard("train-1.h5", rows[20:31], 10, attributes)]
    validation = [write_shard("validation-0.h5", rows[31:], 20, attributes)]
    manifest = {"format_version": 1, "sequence_length": 20, "documents": 23,
                "validation_documents": 3, "train_tokens": sum(s["tokens"] for s in train),
                "validation_tokens": sum(s["tokens"] for s in validation),
                "unigram_entropy_nats": 5.5, "lower_case": True, "vocabulary_size": size,
                "vocabulary_xxh3_128": attributes["vocabulary_hash"],
                "settings_xxh3_128": attributes["settings_hash"], "train": train,
                "validation": validation}
    with open(os.path.join(FOLDER, "manifest.json"), "w", encoding="utf-8") as file:
        json.dump(manifest, file, indent=2)
        file.write("\n")
    write_expected()


def flat(batch):
    return [{"sample": s["sample"], "tokens": s["tokens"].tolist(),
             "positions": s["positions"].tolist(), "labels": s["labels"].tolist()} for s in batch]


def write_expected():
    special = corpus_reader.read_special(FOLDER)
    rows = corpus_reader.Rows(FOLDER)
    seed = 2 ** 40 + 17
    orders = [{"seed": s, "rows": n, "position": p, "at": corpus_reader.order_at(s, n, p)}
              for s in (42, seed) for n in (1, 2, 3, 31, 64, 65, 26_000_003)
              for p in (0, 1, 63, 10 ** 12 + 7)]
    expected = {"seed": seed, "global_batch": 12, "order": orders,
                "steps": [{"step": step, "rate": rate, "max_predictions": bound,
                           "batch": flat(corpus_reader.global_batch(
                               rows, step, 12, seed, special, rate=rate, max_predictions=bound))}
                          for step, rate, bound in ((0, 0.15, 0), (7, 0.5, 4))],
                "validation": flat(corpus_reader.validation_batch(
                    corpus_reader.Rows(FOLDER, "validation"), seed, special))}
    with open(os.path.join(FOLDER, "expected.json"), "w", encoding="utf-8") as file:
        json.dump(expected, file, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main()
