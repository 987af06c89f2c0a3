"""A large corpus from a small one: WikiExtractor's files again and again, words and titles altered each time.

    python repeat.py TEXT-FOLDER OUTPUT-FOLDER MEGABYTES

Each repetition exchanges six letters, chosen by its number, so that most of its words are others and some stay, as new
text has it; the first is the text as it is. Titles get the repetition's number.
"""

import os
import random
import string
import sys


def alter(lines, repetition):
    if repetition == 0:
        return lines
    letters = random.Random(repetition).sample(string.ascii_lowercase, 6)
    swapped = letters[3:] + letters[:3]
    table = bytes.maketrans("".join(letters + [c.upper() for c in letters]).encode(),
                            "".join(swapped + [c.upper() for c in swapped]).encode())
    altered = []
    for line in lines:
        if line.startswith(b"<doc "):
            line = line.replace(b'title="', b'title="%d ' % repetition)
        elif not line.startswith(b"</doc>"):
            line = line.translate(table)
        altered.append(line)
    return altered


def main():
    source, output, wanted = sys.argv[1], sys.argv[2], int(float(sys.argv[3]) * 1e6)
    names = sorted(os.path.join(root, name) for root, _, files in os.walk(source) for name in files)
    written, repetition = 0, 0
    while written < wanted:
        folder = os.path.join(output, f"{repetition:03}")
        os.makedirs(folder)
        for number, name in enumerate(names):
            with open(name, "rb") as file:
                lines = file.readlines()
            with open(os.path.join(folder, f"wiki_{number:02}"), "wb") as file:
                text = b"".join(alter(lines, repetition))
                file.write(text)
            written += len(text)
            if written >= wanted:
                break
        repetition += 1
    print(f"{written / 1e6:.0f} MB, {repetition} repetitions")


if __name__ == "__main__":
    main()
