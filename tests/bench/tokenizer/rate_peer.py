"""Time Hugging Face's `tokenizers` on one thread over the documents of WikiExtractor files, ids only.

    rate_peer.py VOCABULARY lower|keep|auto FILE...

The texts are those that hpml_bench tokenizer encodes. Of its four ways (encode_batch, encode_batch_fast, each over
documents and over lines) the fastest counts. Prints one line of JSON.
"""

import json
import os
import pathlib
import re
import sys
import time

os.environ["RAYON_NUM_THREADS"] = "1"
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "golden"))

import tokenizer_peer as peer  # noqa: E402

DOCUMENT = re.compile(r"<doc [^\n]*>\n[^\n]*\n(.*?)</doc>", re.DOTALL)


def documents(paths):
    for path in paths:
        for text in DOCUMENT.findall(pathlib.Path(path).read_text(encoding="utf-8")):
            yield text


def main():
    path, letter_case, *files = sys.argv[1:]
    reference = peer.reference_for(path, letter_case)
    texts = list(documents(files))
    lines = [line for text in texts for line in text.split("\n") if line]
    seconds = {}
    tokens = 0
    for name, batch in (("documents", texts), ("lines", lines)):
        for way in ("encode_batch", "encode_batch_fast"):
            encode = getattr(reference, way)
            started = time.perf_counter()
            count = 0
            for start in range(0, len(batch), 1000):
                count += sum(map(len, encode(batch[start : start + 1000], add_special_tokens=False)))
            seconds[f"{way} {name}"] = time.perf_counter() - started
            tokens = count if name == "documents" else tokens
    best = min(seconds, key=seconds.get)
    size = sum(len(text.encode()) for text in texts)
    print(json.dumps({"bytes": size, "tokens": tokens, "way": best,
                      "megabytes_per_second": size / 1e6 / seconds[best]}))


if __name__ == "__main__":
    main()
