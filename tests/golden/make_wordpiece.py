"""Make tests/golden/wordpiece.json: ids of Hugging Face's `tokenizers` for texts that are awkward in some way,
with the sample's vocabulary, uncased and cased. Run with an environment that has `tokenizers`:

    python tests/golden/make_wordpiece.py
"""

import json
import pathlib

from compare_wordpiece import make_reference

HERE = pathlib.Path(__file__).resolve().parent
VOCABULARY = HERE.parents[1] / "data" / "sample" / "vocab.txt"
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
    "[CLS] [MASK] [SEP] [UNK] [PAD]",
    "don't can't it's O'Neill rock'n'roll",
    "http://example.org/a?b=c&d=e#f user@example.org",
    "😀 family 👨\u200d👩\u200d👧 flag 🇩🇪",
    "\u0600\u06dd\u0890 \u110cd \U000e0001tag",
    "اَلْعَرَبِيَّةُ עִבְרִית हिन्दी ไทย",
    "##ing # ## ###",
]


def main():
    cases = []
    for letter_case in ("lower", "keep"):
        reference = make_reference(VOCABULARY, letter_case == "lower")
        for text in TEXTS:
            ids = reference.encode(text, add_special_tokens=False).ids
            cases.append({"letter_case": letter_case, "text": text, "ids": ids})
    lines = ",\n".join(json.dumps(case) for case in cases)
    (HERE / "wordpiece.json").write_text(f"[\n{lines}\n]\n")
    print(f"{len(cases)} cases")


if __name__ == "__main__":
    main()
