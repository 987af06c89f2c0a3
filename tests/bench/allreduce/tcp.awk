# Of the tables of several runs over TCP: for each size the fastest of our algorithms, median over the runs, and the
# bars. Fails if a sum was wrong; a bar that is missed is told and no failure.
#
#   awk -f runs.awk -f tcp.awk TABLES

$2 ~ /^(B|KiB|MiB)$/ && NF == 10 && $3 ~ /^(ring|recursive_doubling|twoshot)$/ {
    size = $1 " " $2
    wrong += $NF
    if (!(size in known)) { known[size] = 1; sizes[++count] = size }
    keep(size SUBSEP $3, $(NF - 3))
}
END {
    ways = split("ring recursive_doubling twoshot", way, " ")
    for (i = 1; i <= count; ++i) {
        best = 0
        for (j = 1; j <= ways; ++j)
            if (seen[sizes[i], way[j]] && (got = median(sizes[i] SUBSEP way[j])) > best) { best = got; name = way[j] }
        split(sizes[i], part, " ")
        bar = part[2] == "KiB" ? 0.95 : (sizes[i] == "64 MiB" ? 1.3 : 0)
        printf "  %8s  %-20s %5.2f%s\n", sizes[i], name, best,
            bar ? sprintf(", bar %.2f: %s", bar, best >= bar ? "met" : "missed") : ""
    }
    printf "sums that were wrong: %d\n", wrong
    exit wrong > 0
}
