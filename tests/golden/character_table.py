"""Write a table of character classes as C++: what the make_*_ranges.py beside this have found out."""


def write_ranges(output, header, footer, class_of, surrogates, left_out):
    """class_of(character) is asked for every Unicode scalar; surrogates are of the class given. Ranges of the
    class `left_out` are not written."""
    ranges = []
    for point in range(0x110000):
        kind = surrogates if 0xD800 <= point < 0xE000 else class_of(chr(point))
        if ranges and ranges[-1][1] == point - 1 and ranges[-1][2] == kind:
            ranges[-1][1] = point
        else:
            ranges.append([point, point, kind])
    entries = [f"{{0x{a:X}, 0x{b:X}, {kind}}}" for a, b, kind in ranges if kind != left_out]
    lines, line = [], "   "
    for entry in entries:
        if len(line) + len(entry) + 2 > 100:
            lines.append(line)
            line = "   "
        line += f" {entry},"
    lines.append(line)
    output.write_text(header + "\n".join(lines) + "\n" + footer)
    print(f"{len(entries)} ranges, {len(lines)} lines")
