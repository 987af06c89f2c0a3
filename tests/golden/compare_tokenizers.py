"""Compare our ids with those of Hugging Face's `tokenizers`: on every text file below DATA line by line and as
whole pieces of text, on 200,000 random Unicode strings, on every Unicode scalar alone and inside words, and on
bytes that are not UTF-8; with the four vocabularies below DATA/vocab.

    python tests/golden/compare_tokenizers.py BUILD/tests/encode_records [DATA] [TOKENIZER...]

Prints a line for each and exits 1 if any text has other ids.
"""

import bz2
import codecs
import gzip
import pathlib
import random
import struct
import subprocess
import sys
import tempfile

import tokenizer_peer as peer

CASES = {"bert-base-uncased": "lower", "bert-base-cased": "keep", "gpt2": "auto", "roberta-base": "auto"}
RANDOM = 200000


def read_text_files(data):
    """What every file below `data` holds that is no picture."""
    texts = []
    for path in sorted(data.rglob("*")):
        if path.suffix == ".bin" or not path.is_file():
            continue
        content = path.read_bytes()
        content = {".gz": gzip.decompress, ".bz2": bz2.decompress}.get(path.suffix, bytes)(content)
        texts.append(content)
    return texts


def pieces(content, size):
    """Cut behind line ends, so that no character is cut."""
    start = 0
    while start < len(content):
        end = content.find(b"\n", min(start + size, len(content)))
        end = len(content) if end < 0 else end + 1
        yield content[start:end]
        start = end


def around(character):
    return f"{character} a{character}b Tom{character}{character}as Étude{character} {character}9"


def not_utf8():
    texts = [b"ab\x80cd", b"ab\xc0\xafcd", b"ab\xe2\x82", b"\xed\xa0\x80xy", b"\xf4\x90\x80\x80z", b"\xff\xfe", b"\xe2("]
    source = random.Random(1)
    return texts + [bytes(source.choice(b"ab \x80\xbf\xc3\xe2\xf0\xed\xa0\x9f") for _ in range(40)) for _ in range(20000)]


def long_words():
    texts = [letter * count for letter in ("x", "é", "ab") for count in (47, 48, 49, 50, 99, 100, 101, 5000)]
    return texts + [" " * count + "end" for count in range(1, 70)]


def groups(data):
    files = read_text_files(data)
    yield "text files, lines", [line for content in files for line in content.split(b"\n")]
    yield "text files, pieces of 4 kB", [piece for content in files for piece in pieces(content, 4096)]
    yield "random strings", [peer.random_text(number).encode() for number in range(RANDOM)]
    scalars = peer.scalars()
    yield "scalars alone", [one.encode() for one in scalars]
    yield "scalars in words", [around(one).encode() for one in scalars]
    yield "not UTF-8", not_utf8()
    yield "long words", [text.encode() for text in long_words()]


def our_ids(program, tokenizer, letter_case, texts):
    with tempfile.NamedTemporaryFile() as file:
        for text in texts:
            file.write(struct.pack("<I", len(text)) + text)
        file.flush()
        command = [program, str(tokenizer), letter_case, file.name]
        ours = subprocess.run(command, stdout=subprocess.PIPE, check=True, stderr=subprocess.DEVNULL).stdout
    at, ids = 0, []
    for _ in texts:
        (count,) = struct.unpack_from("<I", ours, at)
        ids.append(list(struct.unpack_from(f"<{count}i", ours, at + 4)))
        at += 4 + 4 * count
    assert at == len(ours)
    return ids


def main():
    program = sys.argv[1]
    data = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else "../shared/data")
    codecs.register_error("each", lambda error: ("\ufffd" * (error.end - error.start), error.end))
    wrong_in_all = 0
    all_groups = list(groups(data))
    for name in sys.argv[3:] or CASES:
        letter_case = CASES[name]
        path = data / "vocab" / name
        path = path if letter_case == "auto" else path / "vocab.txt"
        reference = peer.reference_for(path, letter_case)
        for title, texts in all_groups:
            wrong = tokens = 0
            for start in range(0, len(texts), 100000):
                part = texts[start : start + 100000]
                decoded = [text.decode("utf-8", errors="each") for text in part]
                ours = our_ids(program, path, letter_case, part)
                for text, a, b in zip(decoded, ours, peer.encode_all(reference, decoded)):
                    tokens += len(b)
                    wrong += a != b
                    if a != b and wrong <= 5:
                        print("differs:", ascii(text)[:200], a[:40], b[:40])
            print(f"{name}, {title}: {len(texts)} texts, {tokens} tokens, {wrong} differ", flush=True)
            wrong_in_all += wrong
    return 1 if wrong_in_all else 0


if __name__ == "__main__":
    sys.exit(main())
