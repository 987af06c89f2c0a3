"""Extracted text to shards as a Python script does it with Hugging Face's tokenizers and h5py: the peer of run.sh.

    python peer.py VOCAB.txt TEXT-FOLDER OUTPUT-FOLDER [--copies N [--once]]

The steps are those of hpml_prepare: WikiExtractor's files in order, every document to WordPiece ids, one document in a
hundred (by a hash of its text) to the validation split, rows of 128 cut from consecutive ids, HDF5 shards of at most
65,536 rows. With --copies the training rows are written N times, masked, as academic-budget-bert has them: one gzip
packed file a copy and shard, of input_ids, input_mask, segment_ids, masked_lm_positions and masked_lm_ids. Like its
scripts, this reads and tokenizes the text for every copy; --once does it once.

Set TOKENIZERS_PARALLELISM=false for one thread.
"""

import argparse
import hashlib
import os
import random

import h5py
import numpy
import tokenizers

LENGTH, ROWS, PREDICTIONS, RATE = 128, 65536, 20, 0.15


def documents(folder):
    """The texts of all <doc>s below the folder, titles left out."""
    for root, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            with open(os.path.join(root, name), encoding="utf-8") as file:
                lines = []
                for line in file:
                    if line.startswith("<doc "):
                        lines, is_title = [], True
                    elif line.startswith("</doc>"):
                        yield "".join(lines)
                    elif is_title:
                        is_title = False
                    else:
                        lines.append(line)


def load_tokenizer(vocabulary):
    """BERT's uncased tokenizer, ids only and without special tokens."""
    tokenizer = tokenizers.BertWordPieceTokenizer(vocabulary, lowercase=True)._tokenizer
    tokenizer.post_processor = None
    return tokenizer


def encode(tokenizer, texts):
    """Ids of many texts at once, by the fastest call that the library has."""
    batch = getattr(tokenizer, "encode_batch_fast", tokenizer.encode_batch)
    return [encoding.ids for encoding in batch(texts, add_special_tokens=False)]


def cut(ids, cls, sep):
    room = LENGTH - 2
    return [[cls, *ids[at:at + room], sep] for at in range(0, len(ids), room)]


def mask(row, generator, vocabulary_size, mask_id):
    """Positions and originals of a row's predictions, which are put into the row."""
    candidates = list(range(1, len(row) - 1))
    generator.shuffle(candidates)
    count = min(PREDICTIONS, max(1, round(len(row) * RATE)))
    positions = sorted(candidates[:count])
    originals = [row[at] for at in positions]
    for at in positions:
        if generator.random() < 0.8:
            row[at] = mask_id
        elif generator.random() >= 0.5:
            row[at] = generator.randint(0, vocabulary_size - 1)
    return positions, originals


def write_shard(path, rows, numbers):
    lengths = [len(row) for row in rows]
    with h5py.File(path, "w") as file:
        file["tokens"] = numpy.fromiter((token for row in rows for token in row), dtype="<u2", count=sum(lengths))
        file["offsets"] = numpy.cumsum([0] + lengths).astype("<i4")
        file["documents"] = numpy.array(numbers, dtype="<i4")


def write_masked(path, rows, generator, tokenizer):
    size, mask_id = tokenizer.get_vocab_size(), tokenizer.token_to_id("[MASK]")
    ids = numpy.zeros((len(rows), LENGTH), dtype="i4")
    present = numpy.zeros((len(rows), LENGTH), dtype="i1")
    positions = numpy.zeros((len(rows), PREDICTIONS), dtype="i4")
    labels = numpy.zeros((len(rows), PREDICTIONS), dtype="i4")
    for number, row in enumerate(rows):
        row = list(row)
        where, originals = mask(row, generator, size, mask_id)
        ids[number, :len(row)] = row
        present[number, :len(row)] = 1
        positions[number, :len(where)] = where
        labels[number, :len(where)] = originals
    with h5py.File(path, "w") as file:
        for name, values in (("input_ids", ids), ("input_mask", present), ("segment_ids", numpy.zeros_like(present)),
                             ("masked_lm_positions", positions), ("masked_lm_ids", labels)):
            file.create_dataset(name, data=values, compression="gzip")


def make_splits(options, tokenizer):
    """Both splits' rows, and the number of each row's document."""
    cls, sep = tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]")
    splits = {"train": ([], []), "validation": ([], [])}
    texts = list(documents(options.text))
    for number, ids in enumerate(encode(tokenizer, texts)):
        draw = int.from_bytes(hashlib.md5(texts[number].encode()).digest()[:4], "little")
        rows, numbers = splits["validation" if draw % 100 == 0 else "train"]
        cuts = cut(ids, cls, sep)
        rows += cuts
        numbers += [number] * len(cuts)
    return splits


def shards(rows):
    """The number of each shard, and its part of the rows."""
    return enumerate(slice(begin, begin + ROWS) for begin in range(0, len(rows), ROWS))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("vocabulary")
    parser.add_argument("text")
    parser.add_argument("output")
    parser.add_argument("--copies", type=int, default=0)
    parser.add_argument("--once", action="store_true")
    options = parser.parse_args()
    tokenizer = load_tokenizer(options.vocabulary)
    os.makedirs(options.output, exist_ok=True)
    splits = make_splits(options, tokenizer)
    for split, (rows, numbers) in splits.items():
        for shard, part in shards(rows):
            if options.copies == 0 or split == "validation":
                write_shard(os.path.join(options.output, f"{split}-{shard:05}.h5"), rows[part], numbers[part])
    for copy in range(options.copies):
        if copy > 0 and not options.once:
            splits = make_splits(options, tokenizer)
        rows = splits["train"][0]
        for shard, part in shards(rows):
            name = f"train_shard_{shard * options.copies + copy}.hdf5"
            write_masked(os.path.join(options.output, name), rows[part], random.Random(copy), tokenizer)
    print(f"{sum(len(rows) for rows, _ in splits.values())} rows,"
          f" {sum(len(row) for rows, _ in splits.values() for row in rows)} tokens")


if __name__ == "__main__":
    main()
