# The comparisons' summaries: tab-separated tables from run directories, and Markdown from those, on the standard
# output. experiment.sh and tests/jobs source this file.
# shellcheck shell=bash

# curve RUN: for each validation of a pretraining "step tokens train_loss validation_loss seconds". Tokens and seconds
# (of steps) count from the run's first step; train_loss is the mean over the masked tokens since the line before.
curve() {
    awk 'function number(key) {
             if (!match($0, "\"" key "\":[-+.0-9eE]+")) return 0
             return substr($0, RSTART + length(key) + 3, RLENGTH - length(key) - 3) + 0
         }
         BEGIN { OFS = "\t" }
         /"kind":"train"/ {
             tokens += number("tokens")
             seconds += number("seconds")
             loss += number("loss") * number("masked_tokens")
             masked += number("masked_tokens")
         }
         /"kind":"validation"/ && number("step") > last {
             last = number("step")
             print last, tokens, masked ? loss / masked : 0, number("validation_loss"), int(seconds + 0.5)
             loss = masked = 0
         }' "$1/metrics.jsonl"
}

# collect_runs FOLDER: the curves of all runs FOLDER/GROUP/lrRATE-seedSEED, with a heading. The last line of a run that
# diverged says so.
collect_runs() {
    local folder group name
    printf 'group\tlearning_rate\tseed\tstep\ttokens\ttrain_loss\tvalidation_loss\tseconds\n'
    for folder in "$1"/*/lr*-seed*/; do
        [[ -e "$folder/metrics.jsonl" ]] || continue
        group="$(basename "$(dirname "$folder")")"
        name="$(basename "$folder")"
        name="${name#lr}"
        {
            curve "$folder"
            [[ ! -e "$folder/diverged" ]] || printf '0\t0\tdiverged\tdiverged\t0\n'
        } | sed "s/^/$group\t${name%-seed*}\t${name##*-seed}\t/"
    done
}

# best_rate RUNS GROUP SEED: the learning rate with the lowest last validation loss; nothing if all diverged.
best_rate() {
    awk -F '\t' -v group="$2" -v seed="$3" '
        NR > 1 && $1 == group && $3 == seed { loss[$2] = $7 }
        END {
            for (rate in loss)
                if (loss[rate] != "diverged" && (best == "" || loss[rate] + 0 < loss[best] + 0)) best = rate
            print best
        }' "$1"
}

# What the tables below share: arrays of words in a given order, and a cell "mean (lowest to highest)".
table_functions='
    function cells(word, count,   i, line) {
        for (i = 1; i <= count; ++i) line = line " " word[i] " |"
        return line
    }
    function rule(count,   i, line) {
        for (i = 1; i <= count; ++i) line = line "---|"
        return line
    }
    function sort_numbers(word, count,   i, j, kept) {
        for (i = 2; i <= count; ++i)
            for (j = i; j > 1 && word[j] + 0 < word[j - 1] + 0; --j) {
                kept = word[j]; word[j] = word[j - 1]; word[j - 1] = kept
            }
    }
    function add(key, value) {
        if (!(key in n) || value < low[key]) low[key] = value
        if (!(key in n) || value > high[key]) high[key] = value
        sum[key] += value
        ++n[key]
    }
    function spread(key, form) {
        if (!(key in n)) return "-"
        if (n[key] == 1) return sprintf(form, sum[key])
        return sprintf(form " (" form " to " form ")", sum[key] / n[key], low[key], high[key])
    }'

# runs_table RUNS SEED ENTROPY GROUP...: of each group the last validation loss at each rate with SEED, the seeds of the
# best rate, and how far their losses are from the first group's with the same seed, that is the same masks.
runs_table() {
    local runs="$1" seed="$2" entropy="$3"
    shift 3
    awk -F '\t' -v seed="$seed" -v entropy="$entropy" -v groups="$*" "$table_functions"'
        NR > 1 {
            if (!($2 in is_known)) { is_known[$2] = 1; rate[++rates] = $2 }
            loss[$1, $2, $3] = $7
            if ($7 != "diverged") { steps[$1] = $4; tokens[$1] = $5; seconds[$1, $2, $3] = $8 }
            is_seed[$3] = 1
        }
        END {
            sort_numbers(rate, rates)
            count = split(groups, name, " ")
            print "| run | steps | million tokens |" cells(rate, rates) " best rate | its seeds, mean (range) |" \
                " below unigram entropy | minus " name[1] ", seed by seed | seconds a run |"
            print "|" rule(rates + 8)
            for (i = 1; i <= count; ++i) {
                group = name[i]
                best = ""
                for (j = 1; j <= rates; ++j) {
                    key = group SUBSEP rate[j] SUBSEP seed
                    cell[j] = !(key in loss) ? "-" : loss[key] == "diverged" ? "diverged" : sprintf("%.4f", loss[key])
                    if (cell[j] + 0 > 0 && (best == "" || loss[key] + 0 < loss[group, best, seed] + 0)) best = rate[j]
                }
                at_edge = rates > 1 && (best == rate[1] || best == rate[rates])
                spent = diverged = 0
                for (s in is_seed) {
                    if (!((group, best, s) in loss)) continue
                    if (loss[group, best, s] == "diverged") { ++diverged; continue }
                    add(group, loss[group, best, s] + 0)
                    if (i == 1) first[s] = loss[group, best, s]
                    else if (s in first) add("minus " group, loss[group, best, s] - first[s])
                    spent += seconds[group, best, s]
                }
                if (best == "") { print "| " group " | - | - |" cells(cell, rates) " none | - | - | - | - |"; continue }
                printf "| %s | %d | %.2f |%s %s%s | %s%s | %.3f | %s | %d |\n", group, steps[group],
                    tokens[group] / 1e6, cells(cell, rates), best, at_edge ? ", edge of the grid" : "",
                    spread(group, "%.4f"), diverged ? ", " diverged " diverged" : "",
                    entropy - sum[group] / n[group], spread("minus " group, "%+.4f"), spent / n[group]
            }
        }' "$runs"
}

# curves_table RUNS SEED GROUP...: validation losses with SEED at the best rate, a line for each validation.
curves_table() {
    local runs="$1" seed="$2" group rates=""
    shift 2
    for group in "$@"; do rates+="$(best_rate "$runs" "$group" "$seed") "; done
    awk -F '\t' -v seed="$seed" -v groups="$*" -v best="$rates" "$table_functions"'
        BEGIN {
            count = split(groups, name, " ")
            split(best, rate, " ")
            for (i = 1; i <= count; ++i) column[name[i], rate[i], seed] = i
        }
        ($1, $2, $3) in column {
            i = column[$1, $2, $3]
            line = ++lines[i]
            if (line > most) most = line
            if (i == 1) tokens[line] = $5
            loss[line, i] = sprintf("%.4f", $7)
        }
        END {
            print "| million tokens |" cells(name, count)
            print "|" rule(count + 1)
            for (line = 1; line <= most; ++line) {
                for (i = 1; i <= count; ++i) cell[i] = (line, i) in loss ? loss[line, i] : "-"
                print sprintf("| %.2f |", tokens[line] / 1e6) cells(cell, count)
            }
        }' "$runs"
}

# collect_glue FOLDER: the scores and the losses on the dev split of all runs FOLDER/START/TASK-seedSEED, with a heading.
collect_glue() {
    local folder start name
    printf 'start\tseed\ttask\tmetric\tscore\tmajority\tseconds\n'
    for folder in "$1"/*/*-seed*/; do
        [[ -e "$folder/all_results.json" ]] || continue
        start="$(basename "$(dirname "$folder")")"
        name="$(basename "$folder")"
        awk -F '"' -v start="$start" -v seed="${name##*-seed}" -v task="${name%-seed*}" '
            BEGIN { OFS = "\t"; metrics = split("matthews_correlation accuracy f1 pearson spearmanr loss", metric, " ") }
            { gsub(/[:, ]/, "", $3); value[$2] = $3 }
            END {
                for (i = 1; i <= metrics; ++i)
                    if (("eval_" metric[i]) in value)
                        print start, seed, task, metric[i], value["eval_" metric[i]],
                            metric[i] == "loss" ? "-" : value["baseline_majority_" metric[i]],
                            int(value["train_runtime"] + 0.5)
            }' "$folder/all_results.json"
    done
}

# glue_table GLUE START...: the first start is the one without pretraining. A score beats the majority if every seed
# does, and random weights if its lowest seed is above their highest; a single seed shows neither. A loss has no
# majority, and beats random weights if its highest seed is below their lowest.
glue_table() {
    local glue="$1"
    shift
    awk -F '\t' -v starts="$*" "$table_functions"'
        function verdict_of(key, random, is_random, majority,   above_majority, above_random) {
            if (n[key] < 2 || !(random in n) || n[random] < 2) return "; one seed"
            if (majority == "-") return is_random ? "" : high[key] < low[random] ? "; beats random" : "; no better"
            above_majority = low[key] > majority
            above_random = !is_random && low[key] > high[random]
            if (above_majority && above_random) return "; beats both"
            if (above_majority) return "; beats majority"
            if (above_random) return "; beats random"
            return is_random ? "" : "; beats neither"
        }
        NR > 1 {
            row = $3 ", " $4
            if (!(row in majority)) order[++rows] = row
            majority[row] = $6
            add(row SUBSEP $1, $5 + 0)
        }
        END {
            count = split(starts, name, " ")
            print "| task, score | majority |" cells(name, count)
            print "|" rule(count + 2)
            for (r = 1; r <= rows; ++r) {
                random = order[r] SUBSEP name[1]
                for (i = 1; i <= count; ++i) {
                    key = order[r] SUBSEP name[i]
                    if (!(key in n)) { cell[i] = "-"; continue }
                    cell[i] = spread(key, "%.3f") verdict_of(key, random, i == 1, majority[order[r]])
                }
                base = majority[order[r]]
                print "| " order[r] " | " (base == "-" ? base : sprintf("%.3f", base)) " |" cells(cell, count)
            }
        }' "$glue"
}
