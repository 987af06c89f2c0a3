# For the tables beside it: what several runs gave, by key, and the median of it.

function keep(key, number) {
    seen[key] = seen[key] + 1
    value[key, seen[key]] = number
}
function median(key, count, i, j, held, values) {
    count = seen[key]
    for (i = 1; i <= count; ++i) {
        held = value[key, i]
        for (j = i - 1; j > 0 && values[j] > held; --j) values[j + 1] = values[j]
        values[j + 1] = held
    }
    return count % 2 ? values[(count + 1) / 2] : (values[count / 2] + values[count / 2 + 1]) / 2
}
