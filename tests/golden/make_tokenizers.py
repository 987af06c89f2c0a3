"""Make the expected values of tests/text/tokenizer_golden_test.cpp with Hugging Face's `tokenizers`:

    python tests/golden/make_tokenizers.py [DATA]

- small_bpe/: a byte-level vocabulary trained on the sample, with RoBERTa's special tokens, and small_bpe.json, the
  same as a tokenizer.json;
- tokenizers.json: ids of texts that are awkward in some way, with the sample's vocabulary, uncased and cased,
  and with small_bpe;
- tokenizer_digests.json: digests of the ids of every Unicode scalar and of 20,000 random strings, with these
  and with the four vocabularies below DATA/vocab.
"""

import json
import pathlib
import sys

import tokenizer_peer as peer
from tokenizers import Tokenizer
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel
from tokenizers.trainers import BpeTrainer

HERE = pathlib.Path(__file__).resolve().parent
SAMPLE = HERE.parents[1] / "data" / "sample"
SMALL = HERE / "small_bpe"
RANDOM = 20000
TEXTS = [
    "",
    "   \t\r\n ",
    "The Danube begins in the Black Forest of southwestern Germany.",
    "Ten states share its course -- and 2,850 kilometres (more or less)!",
    "unaffable uncharacteristically internationalisation",
    "ÉTUDE naïve façade Ångström Dvořák Þórr",
    "e\u0301tude o\u0308\u0323sterreich \u0344x",
    "İstanbul ISTANBUL ẞtraße ΣΊΣΥΦΟΣ",
    "\u00a0no\u2003break\u2028space\u3000here",
    "zero\u200bwidth soft\u00adhyphen byte\ufefforder re\ufffdplacement nul\x00byte bell\x07 next\x85line",
    "北京 is 北京市 and 𠀀 \uf900",
    "ひらがな カタカナ 한국어",
    "$5+3=8<9^2~`|_ ≠ € £ § ¶ · ; ;",
    "\u166d 2E43:\u2e43 \u1c89 \U00010d50 \U00011938",
    "a\u0301\u0302\u0303\u0304" * 60,
    "x" * 100,
    "x" * 101,
    "é" * 100 + " " + "é" * 101,
    "[CLS] [MASK] [SEP] [UNK] [PAD] <s> <mask> </s> <pad>",
    "don't can't it's O'Neill rock'n'roll we'll WE'LL 'tis ''s 's 've'd",
    "http://example.org/a?b=c&d=e#f user@example.org",
    "😀 family 👨\u200d👩\u200d👧 flag 🇩🇪",
    "\u0600\u06dd\u0890 \u110cd \U000e0001tag",
    "اَلْعَرَبِيَّةُ עִבְרִית हिन्दी ไทย",
    "##ing # ## ###",
    " one  two   three\n\nfour \n five\t\tsix \t seven  ",
    "a1b22c333 ½ ² Ⅷ ٣٤ 1,000.00",
    "x y", "\u00a0", " \u00a0 a", "the" * 40,
]


def train_small():
    tokenizer = Tokenizer(BPE())
    tokenizer.pre_tokenizer = ByteLevel(add_prefix_space=False)
    trainer = BpeTrainer(vocab_size=600, special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"],
                         initial_alphabet=ByteLevel.alphabet(), show_progress=False)
    tokenizer.train([str(path) for path in sorted((SAMPLE / "corpus").rglob("*")) if path.is_file()], trainer)
    SMALL.mkdir(exist_ok=True)
    tokenizer.model.save(str(SMALL))
    tokenizer.save(str(HERE / "small_bpe.json"), pretty=False)


def main():
    data = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/data")
    train_small()
    own = {"sample-lower": (SAMPLE / "vocab.txt", "lower"), "sample-keep": (SAMPLE / "vocab.txt", "keep"),
           "small-bpe": (SMALL, "auto")}
    cases = []
    for name, (path, letter_case) in own.items():
        reference = peer.reference_for(path, letter_case)
        for text in TEXTS:
            ids = reference.encode(text, add_special_tokens=False).ids
            cases.append({"tokenizer": name, "text": text, "ids": ids})
    lines = ",\n".join(json.dumps(case) for case in cases)
    (HERE / "tokenizers.json").write_text(f"[\n{lines}\n]\n")
    real = {"bert-base-uncased": "lower", "bert-base-cased": "keep", "gpt2": "auto", "roberta-base": "auto"}
    for name, letter_case in real.items():
        path = data / "vocab" / name
        own[name] = (path if letter_case == "auto" else path / "vocab.txt", letter_case)
    random_texts = [peer.random_text(number) for number in range(RANDOM)]
    digests = {}
    for name, (path, letter_case) in own.items():
        reference = peer.reference_for(path, letter_case)
        digests[name] = {"scalars": peer.digest(peer.encode_all(reference, peer.scalars())),
                         "random": peer.digest(peer.encode_all(reference, random_texts))}
    (HERE / "tokenizer_digests.json").write_text(json.dumps(digests, indent=2) + "\n")
    print(f"{len(cases)} cases, {len(digests)} tokenizers")


if __name__ == "__main__":
    main()
