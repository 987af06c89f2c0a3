"""Hugging Face's `tokenizers` set up as our tokenizers are, and texts to hold both against each other."""

import os
import pathlib
import sys

os.environ["TOKENIZERS_PARALLELISM"] = "false"
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "bench"))

from corpus_reader import below, philox_key, words  # noqa: E402
from tokenizers import Tokenizer  # noqa: E402
from tokenizers.models import BPE, WordPiece  # noqa: E402
from tokenizers.normalizers import BertNormalizer  # noqa: E402
from tokenizers.pre_tokenizers import BertPreTokenizer, ByteLevel  # noqa: E402

TEST = 99  # the use of random numbers
SPICE = [" ", "  ", "\n", "'s", "'ll", "'RE", "the", "I", "##", "\u0301", "\u200b", "\u3000", "[MASK]", "<s>",
         "\u4e2d", "\ufb01"]


def wordpiece(vocabulary, lower):
    tokens = pathlib.Path(vocabulary).read_text(encoding="utf-8").split("\n")
    ids = {token: number for number, token in enumerate(tokens) if token}
    reference = Tokenizer(WordPiece(ids, unk_token="[UNK]", max_input_chars_per_word=100))
    reference.normalizer = BertNormalizer(lowercase=lower)
    reference.pre_tokenizer = BertPreTokenizer()
    return reference


def byte_pair(folder):
    folder = pathlib.Path(folder)
    reference = Tokenizer(BPE.from_file(str(folder / "vocab.json"), str(folder / "merges.txt")))
    reference.pre_tokenizer = ByteLevel(add_prefix_space=False)
    return reference


def reference_for(path, letter_case):
    """Of a vocab.txt ("lower" or "keep"), or of a folder with vocab.json and merges.txt."""
    path = pathlib.Path(path)
    return wordpiece(path, letter_case == "lower") if path.is_file() else byte_pair(path)


def scalars():
    """Every Unicode scalar alone."""
    return [chr(point) for point in range(0x110000) if not 0xD800 <= point < 0xE000]


def random_text(number):
    """Text `number` of an endless sequence, which tests/text/random_text.h repeats."""
    stream = words(philox_key(1, TEST), number, 0, 0)
    text = ""
    for _ in range(1 + below(stream, 24)):
        kind = below(stream, 8)
        if kind < 4:
            text += chr(below(stream, 0x80))
        elif kind == 4:
            text += SPICE[below(stream, len(SPICE))]
        else:
            point = below(stream, (0x800, 0xF800, 0x10F800)[kind - 5])
            text += chr(point + 0x800 if point >= 0xD800 else point)
    return text


def encode_all(reference, texts):
    ids = []
    for start in range(0, len(texts), 1000):
        batch = reference.encode_batch(texts[start : start + 1000], add_special_tokens=False)
        ids += [encoding.ids for encoding in batch]
    return ids


def digest(all_ids):
    """FNV-1a of 64 bits over the words: of every text the number of ids and the ids."""
    value = 0xCBF29CE484222325
    for ids in all_ids:
        value = (value ^ len(ids)) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
        for one in ids:
            value = (value ^ one) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return f"{value:016x}"
