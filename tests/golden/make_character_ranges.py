"""Make src/text/character_ranges.cpp: what Hugging Face's BERT normaliser and pre-tokeniser do with every
Unicode scalar, found by asking them. Run with an environment that has `tokenizers` (0.23 made the committed
file):  python tests/golden/make_character_ranges.py
"""

import pathlib

from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer

from character_table import write_ranges

CLEAN = BertNormalizer(clean_text=True, handle_chinese_chars=True, strip_accents=False, lowercase=False)
STRIP = BertNormalizer(clean_text=False, handle_chinese_chars=False, strip_accents=True, lowercase=False)
SPLIT = BertPreTokenizer()
OUTPUT = pathlib.Path(__file__).resolve().parents[2] / "src" / "text" / "character_ranges.cpp"
HEADER = """// Made by tests/golden/make_character_ranges.py; not to be edited.
#include "text/character_ranges.h"

namespace hpml::text {

namespace {

using enum CharacterClass;
// clang-format off
constexpr CharacterRange kRanges[] = {
"""
FOOTER = """};
// clang-format on

}  // namespace

std::span<const CharacterRange> character_ranges() { return kRanges; }

}  // namespace hpml::text
"""


def class_of(character):
    inside = "a" + character + "a"
    cleaned = CLEAN.normalize_str(inside)
    if cleaned == "aa":
        return "Drop"
    if cleaned == "a a":
        return "Space"
    if cleaned == f"a {character} a":
        return "Chinese"
    assert cleaned == inside, hex(ord(character))
    if STRIP.normalize_str(character) == "":
        return "Mark"
    pieces = len(SPLIT.pre_tokenize_str(inside))
    assert pieces in (1, 3), hex(ord(character))
    return "Punctuation" if pieces == 3 else "Letter"


if __name__ == "__main__":
    write_ranges(OUTPUT, HEADER, FOOTER, class_of, "Drop", "Letter")
