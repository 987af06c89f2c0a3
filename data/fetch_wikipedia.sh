#!/usr/bin/env bash
# Fetch a Wikipedia dump and check it, then say how to make shards of it.
#
#   data/fetch_wikipedia.sh [--language en] [--date latest] [--output data/wikipedia] [--parts N]
#
#   --language  a Wikipedia's code: en, simple, de, ...
#   --date      YYYYMMDD of a dump run, or latest
#   --parts     only the first N files of a dump that comes in several (English has about 70); default: all
#
# A broken download goes on where it stopped; a file that is complete is not fetched again. English needs 22 GB.
set -euo pipefail

language=en
date=latest
output=data/wikipedia
parts=0
mirror="${HPML_WIKIMEDIA_MIRROR:-https://dumps.wikimedia.org}"

say() { printf 'fetch_wikipedia: %s\n' "$*"; }
fail() {
    printf 'fetch_wikipedia: error: %s\n' "$*" >&2
    exit 1
}

while [[ $# -gt 0 ]]; do
    case "$1" in
        -h | --help)
            sed -n '2,10s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
            exit 0
            ;;
        --language | --date | --output | --parts)
            [[ $# -ge 2 ]] || fail "$1 needs a value"
            printf -v "${1#--}" '%s' "$2"
            shift 2
            ;;
        *) fail "unknown option $1; known: --language --date --output --parts --help" ;;
    esac
done
[[ "$language" =~ ^[a-z_-]+$ ]] || fail "--language $language is no Wikipedia's code, e.g. en or simple"
[[ "$date" =~ ^([0-9]{8}|latest)$ ]] || fail "--date $date is neither YYYYMMDD nor latest"
[[ "$parts" =~ ^[0-9]+$ ]] || fail "--parts $parts is no number"
for program in curl sha1sum; do
    command -v "$program" >/dev/null || fail "$program is missing; install it (apt-get install curl coreutils)"
done

wiki="${language//-/_}wiki"
base="$mirror/$wiki/$date"
mkdir -p "$output"

# The list of the run's checksums names every file; of "latest" it also tells the date.
sums="$output/$wiki-$date-sha1sums.txt"
say "reading $base"
curl --fail --silent --show-error --location --retry 3 --output "$sums.part" "$base/$wiki-$date-sha1sums.txt" ||
    fail "no list of checksums at $base; is there a network, and does that dump exist?"
mv "$sums.part" "$sums"

# One file where there is one, else its parts (articles1.xml-p1p41242.bz2, ...), in the order of their numbers.
files="$(awk '{print $2}' "$sums" | grep -E -- '-pages-articles\.xml\.bz2$' || true)"
split="$(awk '{print $2}' "$sums" | grep -E -- '-pages-articles[0-9]+\.xml-p[0-9]+p[0-9]+\.bz2$' | sort -V || true)"
if [[ -n "$split" && "$parts" -gt 0 ]]; then
    files="$(head -n "$parts" <<<"$split")"
fi
[[ -n "$files" ]] || fail "the list at $base names no articles; try another --date"

# The list calls its files by their real date, also under latest/; they lie in the folder of that date.
fetch() {
    local name="$1" wanted got day
    wanted="$(awk -v name="$name" '$2 == name { print $1 }' "$sums")"
    if [[ -e "$output/$name" ]]; then
        say "$name: here already"
        return
    fi
    day="$(grep -oE '[0-9]{8}' <<<"${name#"$wiki"-}" | head -n 1)"
    say "$name: downloading"
    curl --fail --location --retry 5 --retry-delay 10 --continue-at - --output "$output/$name.part" \
        "$mirror/$wiki/${day:-$date}/$name" || fail "$name broke off; run the same command to go on"
    got="$(sha1sum "$output/$name.part" | cut -d ' ' -f 1)"
    if [[ "$got" != "$wanted" ]]; then
        rm -f "$output/$name.part"
        fail "$name has SHA-1 $got, the list says $wanted; it was removed, run the same command to fetch it again"
    fi
    mv "$output/$name.part" "$output/$name"
    say "$name: complete, SHA-1 $got"
}

while read -r name; do fetch "$name"; done <<<"$files"

cat <<TEXT

Next, make the shards; the ranks share each file:

  mpirun -np 16 hpml_prepare --input '$output/*.bz2' --vocab VOCAB --output data/prepared

VOCAB is a WordPiece vocabulary, one token a line, e.g. vocab.txt of bert-base-uncased.
TEXT
