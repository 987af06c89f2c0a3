"""Make src/text/character_ranges.cpp: what Hugging Face's BERT normaliser and pre-tokeniser do with every
Unicode scalar, found by asking them. Run with an environment that has `tokenizers` (0.23 made the committed
file):  python tests/golden/make_character_ranges.py
"""

import pathlib

from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer

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


def main():
    ranges = []
    for point in range(0x110000):
        kind = "Drop" if 0xD800 <= point < 0xE000 else class_of(chr(point))
        if ranges and ranges[-1][1] == point - 1 and ranges[-1][2] == kind:
            ranges[-1][1] = point
        else:
            ranges.append([point, point, kind])
    entries = [f"{{0x{a:X}, 0x{b:X}, {kind}}}" for a, b, kind in ranges if kind != "Letter"]
    lines, line = [], "   "
    for entry in entries:
        if len(line) + len(entry) + 2 > 100:
            lines.append(line)
            line = "   "
        line += f" {entry},"
    lines.append(line)
    OUTPUT.write_text(HEADER + "\n".join(lines) + "\n" + FOOTER)
    print(f"{len(entries)} ranges, {len(lines)} lines")


if __name__ == "__main__":
    main()
