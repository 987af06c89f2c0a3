#!/usr/bin/env python3
"""The wikitext cleaner beside WikiExtractor: the same articles of a dump through both, one core.

Prints the F1 of the words of each article (median, mean, the lowest), the words that one side alone has most of, and
the times of cleaning alone, without reading XML. WikiExtractor runs twice: without templates, which is what the
cleaner does and its quickest way, and as it comes. A word is a run of letters and digits.

    jobs/bootstrap.sh --peers
    ~/.cache/hpml/peers/python.sh tests/bench/wikitext/compare.py --build BUILD --dump enwiki-pages-articles.xml.bz2
"""
import argparse
import bz2
import gzip
import html
import json
import re
import statistics
import subprocess
import time
import xml.etree.ElementTree
from collections import Counter

from wikiextractor.extract import Extractor

WORD = re.compile(r"\w+")


def open_dump(path):
    with open(path, "rb") as file:
        magic = file.read(3)
    return {b"BZh": bz2.open, b"\x1f\x8b\x08": gzip.open}.get(magic, open)(path, "rb")


def read_articles(path):
    """Title and wikitext of the pages that hpml takes, by Python's own reader."""
    articles, page = [], {}
    for _, element in xml.etree.ElementTree.iterparse(open_dump(path)):
        tag = element.tag.rpartition("}")[2]
        if tag in ("title", "ns", "text", "model"):
            page[tag] = element.text or ""
        elif tag == "redirect":
            page["redirect"] = True
        elif tag == "page":
            is_redirect = "redirect" in page or page.get("text", "").lstrip().upper().startswith("#REDIRECT")
            if page.get("ns") == "0" and not is_redirect and page.get("model", "wikitext") == "wikitext":
                articles.append((page["title"], page.get("text", "")))
            page = {}
            element.clear()
    return articles


def clean_by_peer(articles, expand_templates):
    """The texts, and the seconds of cleaning."""
    texts = []
    begin = time.perf_counter()
    for title, wikitext in articles:
        extractor = Extractor("1", "1", "https://en.wikipedia.org/wiki", title, [wikitext])
        texts.append("\n".join(extractor.clean_text(wikitext, expand_templates=expand_templates, html_safe=False)))
    return texts, time.perf_counter() - begin


def clean_by_hpml(build, dump, rounds):
    program = f"{build}/tests/clean_dump"
    lines = subprocess.run([program, dump], check=True, capture_output=True, text=True).stdout
    times = subprocess.run([program, dump, str(rounds)], check=True, capture_output=True, text=True).stdout.split()
    return [json.loads(line) for line in lines.splitlines()], float(times[0]), int(times[1])


def words(text):
    return Counter(WORD.findall(html.unescape(text)))


def f1(ours, theirs):
    total = sum(ours.values()) + sum(theirs.values())
    return 1.0 if total == 0 else 2 * sum((ours & theirs).values()) / total


def most(counts, number=25):
    return "  ".join(f"{word} {count}" for word, count in counts.most_common(number))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", required=True, help="a build folder with tests/clean_dump, optimised")
    parser.add_argument("--dump", required=True, help="a pages-articles dump, plain or packed")
    parser.add_argument("--rounds", type=int, default=20, help="of the cleaner; the fastest counts")
    options = parser.parse_args()

    articles = read_articles(options.dump)
    cleaned, our_seconds, wikitext_bytes = clean_by_hpml(options.build, options.dump, options.rounds)
    if [title for title, _ in articles] != [record["title"] for record in cleaned]:
        raise SystemExit("the two readers do not take the same pages")
    texts, bare_seconds = clean_by_peer(articles, False)
    expanded, full_seconds = clean_by_peer(articles, True)

    print(f"{len(articles)} articles, {wikitext_bytes / 1e6:.1f} MB of wikitext")
    for name, peer in (("without templates", texts), ("as it comes", expanded)):
        scores, only_ours, only_theirs = [], Counter(), Counter()
        for (title, _), record, text in zip(articles, cleaned, peer):
            ours, theirs = words(record["text"]), words(text)
            scores.append((f1(ours, theirs), title))
            only_ours += ours - theirs
            only_theirs += theirs - ours
        scores.sort()
        values = [score for score, _ in scores]
        print(f"\nWikiExtractor {name}: word F1 median {statistics.median(values):.4f}, mean "
              f"{statistics.mean(values):.4f}, below 0.97 in {sum(value < 0.97 for value in values)}")
        print("lowest:", ", ".join(f"{title} {score:.3f}" for score, title in scores[:8]))
        print("here alone: ", most(only_ours))
        print("there alone:", most(only_theirs))
    print(f"\ncleaning alone: hpml {our_seconds:.4f} s ({wikitext_bytes / our_seconds / 1e6:.0f} MB/s); WikiExtractor "
          f"{bare_seconds:.2f} s without templates, {full_seconds:.2f} s as it comes")
    print(f"times faster: {bare_seconds / our_seconds:.0f} and {full_seconds / our_seconds:.0f}")


if __name__ == "__main__":
    main()
