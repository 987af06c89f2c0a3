"""Reads a prepared corpus and repeats its order and masking, bit for bit, with NumPy and h5py only.

An independent second implementation of what data/README.md specifies: the peers of tests/bench see
the same tokens as hpml, and tests/golden/make_corpus.py makes the expected values of the C++ tests.
"""

import json
import os

import h5py
import numpy

ORDER, MASKING = 2, 3
WORD = 0xFFFFFFFF


def philox(key, counter):
    """Philox4x32-10 (Salmon et al., SC'11) on Python integers: four 32-bit words."""
    k0, k1 = key
    c0, c1, c2, c3 = counter
    for _ in range(10):
        a, b = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = (b >> 32) ^ c1 ^ k0, b & WORD, (a >> 32) ^ c3 ^ k1, a & WORD
        k0, k1 = (k0 + 0x9E3779B9) & WORD, (k1 + 0xBB67AE85) & WORD
    return c0, c1, c2, c3


def philox_key(seed, use):
    """The key of one use of random numbers under a run's seed."""
    return philox((seed & WORD, seed >> 32), (use, 0x68706D6C, 0, 0))[:2]


def words(key, b, c, d):
    """The words of counters (0, b, c, d), (1, b, c, d), ..."""
    first = 0
    while True:
        yield from philox(key, (first, b, c, d))
        first += 1


def below(stream, bound):
    return (next(stream) * bound) >> 32


def read_manifest(folder):
    with open(os.path.join(folder, "manifest.json"), encoding="utf-8") as file:
        return json.load(file)


class Rows:
    """The rows of a split ("train" or "validation"), numbered through all its shards."""

    def __init__(self, folder, split="train"):
        self.manifest = read_manifest(folder)
        self.tokens, self.bounds = [], []
        for entry in self.manifest[split]:
            with h5py.File(os.path.join(folder, entry["name"]), "r") as shard:
                offsets = shard["offsets"][:]
                tokens = shard["tokens"][:]
            self.tokens += [tokens] * entry["rows"]
            self.bounds += list(zip(offsets[:-1], offsets[1:]))

    def __len__(self):
        return len(self.bounds)

    def __getitem__(self, row):
        begin, end = self.bounds[row]
        return self.tokens[row][begin:end].astype(numpy.int32)


def order_at(seed, rows, position):
    """(epoch, row) at a position of the endless order."""
    key = philox_key(seed, ORDER)
    epoch, number = divmod(position, rows)
    bits = max(1, ((rows - 1).bit_length() + 1) // 2)
    low = (1 << bits) - 1
    while True:
        left, right = number >> bits, number & low
        for turn in range(8):
            word = philox(key, (right, turn, epoch & WORD, epoch >> 32))[0]
            left, right = right, left ^ (word & low)
        number = left << bits | right
        if number < rows:
            return epoch, number


def mask(tokens, seed, epoch, sample, special, vocabulary_size, rate=0.15, max_predictions=0):
    """(masked tokens, rising positions, original tokens there) of one row.

    special: {"pad": id, "unknown": id, "cls": id, "sep": id, "mask": id}
    """
    tokens = numpy.asarray(tokens, dtype=numpy.int32)
    chosen = [i for i, token in enumerate(tokens.tolist()) if token not in special.values()]
    exact = rate * len(chosen)
    rounded = int(exact) + (1 if exact - int(exact) >= 0.5 else 0)
    count = min(max(1, rounded), max_predictions or len(chosen), len(chosen))
    stream = words(philox_key(seed, MASKING), sample & WORD, sample >> 32, epoch)
    masked = tokens.copy()
    for i in range(count):
        j = i + below(stream, len(chosen) - i)
        chosen[i], chosen[j] = chosen[j], chosen[i]
        tenth, random = below(stream, 10), below(stream, vocabulary_size)
        if tenth < 8:
            masked[chosen[i]] = special["mask"]
        elif tenth == 8:
            masked[chosen[i]] = random
    positions = numpy.array(sorted(chosen[:count]), dtype=numpy.int64)
    return masked, positions, tokens[positions]


def read_special(folder):
    """The special tokens' ids by the data folder's vocab.txt or, RoBERTa's, vocab.json."""
    roles = ["pad", "unknown", "cls", "sep", "mask"]
    if os.path.exists(os.path.join(folder, "vocab.json")):
        with open(os.path.join(folder, "vocab.json"), encoding="utf-8") as file:
            ids = json.load(file)
        return {role: ids[token] for role, token in zip(roles, ["<pad>", "<unk>", "<s>", "</s>", "<mask>"])}
    with open(os.path.join(folder, "vocab.txt"), encoding="utf-8") as file:
        ids = {line.rstrip("\n"): number for number, line in enumerate(file)}
    return {role: ids[token] for role, token in zip(roles, ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])}


def global_batch(rows, step, size, seed, special, **options):
    """The sequences of a step's global batch, in order: dictionaries with sample, epoch, tokens,
    positions (within the sequence) and labels. Micro-batch i of m sequences is [i * m, (i + 1) * m).
    """
    batch = []
    for position in range(step * size, (step + 1) * size):
        epoch, sample = order_at(seed, len(rows), position)
        tokens, positions, labels = mask(rows[sample], seed, epoch, sample, special,
                                         rows.manifest["vocabulary_size"], **options)
        batch.append({"sample": sample, "epoch": epoch, "tokens": tokens,
                      "positions": positions, "labels": labels})
    return batch


def validation_batch(rows, seed, special, **options):
    """All rows of Rows(folder, "validation") as the validation loss sees them."""
    batch = []
    for sample in range(len(rows)):
        tokens, positions, labels = mask(rows[sample], seed, 0, sample, special,
                                         rows.manifest["vocabulary_size"], **options)
        batch.append({"sample": sample, "epoch": 0, "tokens": tokens,
                      "positions": positions, "labels": labels})
    return batch
