"""Make src/text/byte_level_ranges.cpp: which characters are \\p{L}, \\p{N} and \\s to the regular expression of
Hugging Face's ByteLevel pre-tokeniser, found by asking its engine. Run with an environment that has
`tokenizers` (0.23 made the committed file):  python tests/golden/make_byte_level_ranges.py
"""

import pathlib

from tokenizers import Regex
from tokenizers.pre_tokenizers import ByteLevel, Split

from character_table import write_ranges

OUTPUT = pathlib.Path(__file__).resolve().parents[2] / "src" / "text" / "byte_level_ranges.cpp"
CLASSES = {name: Split(Regex(pattern), "removed") for name, pattern in
           (("Letter", r"\p{L}"), ("Number", r"\p{N}"), ("Space", r"\s"))}
SPLIT = ByteLevel(add_prefix_space=False)
HEADER = """// Made by tests/golden/make_byte_level_ranges.py; not to be edited.
#include "text/byte_level_ranges.h"

namespace hpml::text {

namespace {

using enum ByteLevelClass;
// clang-format off
constexpr ByteLevelRange kRanges[] = {
"""
FOOTER = """};
// clang-format on

}  // namespace

std::span<const ByteLevelRange> byte_level_ranges() { return kRanges; }

}  // namespace hpml::text
"""


def class_of(character):
    """By the engine's classes, held against what the pre-tokeniser itself joins."""
    found = [name for name, split in CLASSES.items() if not split.pre_tokenize_str(character)]
    assert len(found) <= 1, hex(ord(character))
    name = found[0] if found else "Other"
    for joined, mate in (("Letter", "a"), ("Number", "1"), ("Other", "#")):
        pieces = len(SPLIT.pre_tokenize_str(mate + character))
        assert (pieces == 1) == (name == joined), hex(ord(character))
    return name


if __name__ == "__main__":
    write_ranges(OUTPUT, HEADER, FOOTER, class_of, "Other", "Other")
