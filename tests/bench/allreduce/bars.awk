# Of the tables of several runs of hpml_bench allreduce: medians over the runs, beside the bars.
# Fails if a sum was wrong; a bar that is missed is told and no failure.
#
#   awk -v ranks=N -v runs=K -f runs.awk -f bars.awk TABLES

function bar(what, got, least) {
    printf "  %-34s %6.2f, bar %5.2f: %s\n", what, got, least, (got >= least ? "met" : "missed")
}
function three(way, size, mpi, tuned, pack) {
    if (!seen[way SUBSEP size SUBSEP "mpi"]) return
    bar(size " " way " vs MPI_Allreduce", median(way SUBSEP size SUBSEP "mpi"), mpi)
    bar(size " " way " vs MPI tuned", median(way SUBSEP size SUBSEP "tuned"), tuned)
    bar(size " " way " vs pack+MPI+unpack", median(way SUBSEP size SUBSEP "pack"), pack)
}

# A size, its unit, a name of one or two words, and seven numbers.
$2 ~ /^(B|KiB|MiB)$/ && NF >= 10 {
    way = $3
    for (i = 4; i <= NF - 7; ++i) way = way " " $i
    wrong += $NF
    if (way !~ /^shm/) next
    size = $1 " " $2
    if (!((way, size) in known)) { known[way, size] = 1; order[++rows] = way SUBSEP size }
    keep(way SUBSEP size SUBSEP "pack", $(NF - 1))
    keep(way SUBSEP size SUBSEP "tuned", $(NF - 2))
    keep(way SUBSEP size SUBSEP "mpi", $(NF - 3))
    keep(way SUBSEP size SUBSEP "bus", $(NF - 4))
    keep(way SUBSEP size SUBSEP "us", $(NF - 5))
}
/shared memory can give a bus rate of/ { keep("limit", $(NF - 4)) }

END {
    printf "%d ranks, medians of %d runs\n", ranks, runs
    printf "%8s  %-12s %11s %9s %8s %8s %8s\n", "size", "way", "median us", "bus GB/s", "vs MPI", "vs tuned", "vs pack"
    for (i = 1; i <= rows; ++i) {
        split(order[i], part, SUBSEP)
        printf "%8s  %-12s %11.1f %9.2f %8.2f %8.2f %8.2f\n", part[2], part[1], median(order[i] SUBSEP "us"),
            median(order[i] SUBSEP "bus"), median(order[i] SUBSEP "mpi"), median(order[i] SUBSEP "tuned"),
            median(order[i] SUBSEP "pack")
    }
    printf "memory allows a bus rate of %.2f GB/s beyond the caches; sums that were wrong: %d\n", median("limit"), wrong
    if (ranks == 2) {
        three("shm", "4 KiB", 2, 2, 2.5)
        three("shm", "64 KiB", 5, 5, 6)
        three("shm", "1 MiB", 4, 4, 7)
        three("shm", "4 MiB", 4, 4, 7)
        three("shm", "16 MiB", 4, 4, 7)
        three("shm", "64 MiB", 4, 2.2, 7)
        three("shm", "256 MiB", 4, 2.2, 7)
        three("shm foreign", "64 MiB", 2, 1.3, 3)
    } else {
        for (i = 1; i <= rows; ++i) {
            split(order[i], part, SUBSEP)
            split(part[2], amount, " ")
            if (part[1] != "shm") continue
            if (amount[2] == "KiB" && amount[1] <= 64)
                bar(part[2] " vs MPI_Allreduce", median(order[i] SUBSEP "mpi"), 0.67)
            if (amount[2] == "MiB" && amount[1] >= 16)
                bar(part[2] " vs MPI_Allreduce", median(order[i] SUBSEP "mpi"), 5)
        }
    }
    for (i = 1; i <= rows; ++i) {
        split(order[i], part, SUBSEP)
        if (part[1] == "shm" && (part[2] == "64 MiB" || part[2] == "256 MiB"))
            bar(part[2] " share of what memory allows", median(order[i] SUBSEP "bus") / median("limit"), 0.6)
    }
    exit wrong > 0
}
