"""Compare our WordPiece ids with Hugging Face's `tokenizers`, line by line, and time both on one thread.

    python tests/golden/compare_wordpiece.py BUILD/tests/encode_lines VOCABULARY lower|keep [FILE...]

Without files: every Unicode scalar, alone and inside words, and byte sequences that are not UTF-8. Files may
be gzipped. Exits 1 and shows the first lines that differ if any does.
"""

import gzip
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"

from tokenizers import Tokenizer  # noqa: E402
from tokenizers.models import WordPiece  # noqa: E402
from tokenizers.normalizers import BertNormalizer  # noqa: E402
from tokenizers.pre_tokenizers import BertPreTokenizer  # noqa: E402


def make_reference(vocabulary, lower):
    tokens = pathlib.Path(vocabulary).read_text(encoding="utf-8").split("\n")
    ids = {token: number for number, token in enumerate(tokens) if token}
    reference = Tokenizer(WordPiece(ids, unk_token="[UNK]", max_input_chars_per_word=100))
    reference.normalizer = BertNormalizer(lowercase=lower)
    reference.pre_tokenizer = BertPreTokenizer()
    return reference


def scalars():
    lines = []
    for point in range(0x110000):
        if 0xD800 <= point < 0xE000 or point == 0x0A:
            continue
        c = chr(point)
        lines.append(f"{c} a{c}b Tom{c}{c}as Étude{c} {c}9".encode())
    # Not UTF-8: stray, overlong and cut sequences, surrogates, above U+10FFFF, random bytes.
    lines += [b"ab\x80cd", b"ab\xc0\xafcd", b"ab\xe2\x82", b"\xed\xa0\x80xy", b"\xf4\x90\x80\x80z", b"\xff\xfe"]
    source = random.Random(1)
    lines += [bytes(source.choice(b"ab \x80\xbf\xc3\xe2\xf0\xed\xa0\x9f") for _ in range(40)) for _ in range(20000)]
    lines += [b"x" * n for n in (99, 100, 101)] + ["é".encode() * n for n in (99, 100, 101)]
    return [line for line in lines if b"\n" not in line]


def read_lines(path):
    opened = gzip.open(path, "rb") if str(path).endswith(".gz") else open(path, "rb")
    with opened as file:
        lines = file.read().split(b"\n")
    return lines[:-1] if lines and not lines[-1] else lines


def main():
    program, vocabulary, letter_case, *paths = sys.argv[1:]
    lines = [line for path in paths for line in read_lines(path)] if paths else scalars()
    with tempfile.TemporaryDirectory() as folder:
        # Several files, each below the size that our reader of small files takes.
        names = []
        for start in range(0, len(lines), 100000):
            names.append(os.path.join(folder, f"{start:09}"))
            pathlib.Path(names[-1]).write_bytes(b"".join(line + b"\n" for line in lines[start : start + 100000]))
        ours = subprocess.run([program, vocabulary, letter_case, *names], capture_output=True, check=True)
    our_ids = [[int(i) for i in line.split()] for line in ours.stdout.split(b"\n")[:-1]]
    our_seconds = float(ours.stderr.split()[0])
    texts = [line.decode("utf-8", errors="replace") for line in lines]
    reference = make_reference(vocabulary, letter_case == "lower")
    started = time.perf_counter()
    their_ids = []
    for start in range(0, len(texts), 1000):
        their_ids += [e.ids for e in reference.encode_batch(texts[start : start + 1000], add_special_tokens=False)]
    their_seconds = time.perf_counter() - started
    assert len(our_ids) == len(their_ids), (len(our_ids), len(their_ids))
    wrong = [i for i in range(len(lines)) if our_ids[i] != their_ids[i]]
    for i in wrong[:10]:
        print("differs:", ascii(texts[i])[:200], our_ids[i][:40], their_ids[i][:40])
    size = sum(len(line) + 1 for line in lines) / 1e6
    tokens = sum(map(len, their_ids))
    print(f"{len(lines)} lines, {size:.1f} MB, {tokens} tokens, {len(wrong)} lines differ; ours "
          f"{size / our_seconds:.1f} MB/s, tokenizers {size / their_seconds:.1f} MB/s")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
