"""Train a vocabulary of each kind with hpml_prepare train-vocab and with Hugging Face's own trainer on the same
documents, and encode other documents with both: time, and mean tokens per word (white-space separated).

    compare.py HPML_PREPARE SIZE TRAINING_FILE... -- HELD_OUT_FILE...

All files are WikiExtractor's. The peer trains on one thread.
"""

import os
import pathlib
import re
import resource
import subprocess
import sys
import tempfile
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["RAYON_NUM_THREADS"] = "1"
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "golden"))

import tokenizer_peer as peer  # noqa: E402
from tokenizers import Tokenizer  # noqa: E402
from tokenizers.models import BPE, WordPiece  # noqa: E402
from tokenizers.normalizers import BertNormalizer  # noqa: E402
from tokenizers.pre_tokenizers import BertPreTokenizer, ByteLevel  # noqa: E402
from tokenizers.trainers import BpeTrainer, WordPieceTrainer  # noqa: E402

DOCUMENT = re.compile(r"<doc [^\n]*>\n[^\n]*\n(.*?)</doc>", re.DOTALL)


def documents(paths):
    texts = []
    for path in paths:
        texts += DOCUMENT.findall(pathlib.Path(path).read_text(encoding="utf-8"))
    return texts


def train_peer(kind, size, texts):
    if kind == "wordpiece":
        tokenizer = Tokenizer(WordPiece(unk_token="[UNK]"))
        tokenizer.normalizer = BertNormalizer(lowercase=True)
        tokenizer.pre_tokenizer = BertPreTokenizer()
        trainer = WordPieceTrainer(vocab_size=size, min_frequency=2, limit_alphabet=1000, show_progress=False,
                                   special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
    else:
        tokenizer = Tokenizer(BPE())
        tokenizer.pre_tokenizer = ByteLevel(add_prefix_space=False)
        trainer = BpeTrainer(vocab_size=size, min_frequency=2, show_progress=False,
                             initial_alphabet=ByteLevel.alphabet(),
                             special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"])
    started = time.perf_counter()
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer, time.perf_counter() - started


def main():
    program, size, *files = sys.argv[1:]
    cut = files.index("--")
    training, held_out = files[:cut], documents(files[cut + 1 :])
    texts = documents(training)
    words = sum(len(text.split()) for text in held_out)
    failed = False
    for kind in ("wordpiece", "byte-level-bpe"):
        with tempfile.TemporaryDirectory() as folder:
            started = time.perf_counter()
            subprocess.run([program, "train-vocab", "--input", *training, "--output", folder, "--kind", kind,
                            "--size", size], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            our_seconds = time.perf_counter() - started
            memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
            path = pathlib.Path(folder) / ("vocab.txt" if kind == "wordpiece" else "")
            ours = peer.reference_for(path, "lower")
        theirs, their_seconds = train_peer(kind, int(size), texts)
        rates = []
        for tokenizer in (ours, theirs):
            rates.append(sum(map(len, peer.encode_all(tokenizer, held_out))) / words)
        same = len(set(ours.get_vocab()) & set(theirs.get_vocab())) / len(theirs.get_vocab())
        difference = rates[0] / rates[1] - 1
        failed = failed or abs(difference) > 0.01
        print(f"{kind}, {size} tokens: hpml {our_seconds:.2f} s (reading included, {memory:.0f} MiB at most), "
              f"tokenizers {their_seconds:.2f} s, ratio {their_seconds / our_seconds:.1f}; mean tokens per word of "
              f"{words} words {rates[0]:.4f} and {rates[1]:.4f} ({100 * difference:+.2f} %, bar 1 %); "
              f"{100 * same:.1f} % of the tokens are the same", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
