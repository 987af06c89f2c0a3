#!/usr/bin/env python3
"""Make vocab.txt, the WordPiece vocabulary of the sample, from the corpus beside this script.

Standard library only and deterministic: the same corpus gives the same bytes. Words are lower-cased, stripped
of accents and split at white space and punctuation, as BERT does; pieces grow by merging the most frequent
pair of neighbours (the first in alphabetical order of equally frequent ones), as Hugging Face's WordPiece
trainer does.

    data/sample/make_vocabulary.py [--size 4000] [--corpus FOLDER] [--output FILE]
"""

import argparse
import collections
import heapq
import pathlib
import string
import unicodedata

HERE = pathlib.Path(__file__).resolve().parent
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
# A pair seen once says nothing about the language.
LEAST_COUNT = 2


def is_punctuation(character):
    return character in string.punctuation or unicodedata.category(character).startswith("P")


def words_of(text):
    text = unicodedata.normalize("NFD", text.lower())
    spaced = []
    for character in text:
        if unicodedata.category(character) == "Mn":
            continue
        spaced.append(f" {character} " if is_punctuation(character) else character)
    return "".join(spaced).split()


def count_words(folder):
    counts = collections.Counter()
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        for line in path.read_text(encoding="utf-8").splitlines():
            if not line.startswith(("<doc ", "</doc>")):
                counts.update(words_of(line))
    return counts


def join(left, right):
    return left + right.removeprefix("##")


class Merger:
    """Words as lists of pieces, and the counts of neighbouring pairs kept up to date."""

    def __init__(self, counts):
        self.words = [([word[0]] + ["##" + c for c in word[1:]], n) for word, n in sorted(counts.items())]
        self.pairs = collections.Counter()
        self.users = collections.defaultdict(set)
        for index in range(len(self.words)):
            self.add(index, 1)
        self.heap = [(-n, pair) for pair, n in self.pairs.items()]
        heapq.heapify(self.heap)

    def add(self, index, sign):
        pieces, count = self.words[index]
        changed = set()
        for pair in zip(pieces, pieces[1:]):
            self.pairs[pair] += sign * count
            self.users[pair].add(index)
            changed.add(pair)
        return changed

    def best(self):
        while self.heap:
            negative, pair = heapq.heappop(self.heap)
            if -negative == self.pairs[pair]:
                return pair if -negative >= LEAST_COUNT else None
        return None

    def merge(self, pair):
        changed = set()
        for index in self.users.pop(pair):
            changed |= self.add(index, -1)
            pieces, count = self.words[index]
            merged, at = [], 0
            while at < len(pieces):
                if tuple(pieces[at : at + 2]) == pair:
                    merged.append(join(*pair))
                    at += 2
                else:
                    merged.append(pieces[at])
                    at += 1
            self.words[index] = (merged, count)
            changed |= self.add(index, 1)
        for other in changed:
            if self.pairs[other] >= LEAST_COUNT:
                heapq.heappush(self.heap, (-self.pairs[other], other))


def make_vocabulary(counts, size):
    # All of ASCII is in, so that text of other sources does not become [UNK] for a character.
    alphabet = set(string.punctuation + string.digits + string.ascii_lowercase).union(*counts)
    tokens = SPECIAL + sorted(alphabet)
    tokens += sorted("##" + c for c in alphabet if not is_punctuation(c))
    known = set(tokens)
    merger = Merger(counts)
    while len(tokens) < size:
        pair = merger.best()
        if pair is None:
            break
        piece = join(*pair)
        if piece not in known:
            known.add(piece)
            tokens.append(piece)
        merger.merge(pair)
    return tokens


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--size", type=int, default=4000)
    parser.add_argument("--corpus", type=pathlib.Path, default=HERE / "corpus")
    parser.add_argument("--output", type=pathlib.Path, default=HERE / "vocab.txt")
    options = parser.parse_args()
    tokens = make_vocabulary(count_words(options.corpus), options.size)
    options.output.write_text("".join(token + "\n" for token in tokens), encoding="utf-8")
    print(f"{len(tokens)} tokens written to {options.output}")


if __name__ == "__main__":
    main()
