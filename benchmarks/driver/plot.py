# SPDX-License-Identifier: GPL-2.0-only
"""trapline bench report: results as tables, pictures by gnuplot, one page of
HTML, and the numbers in docs/benchmarks.md."""
import html
import os
import subprocess

import mibench_report
import results
from common import BenchError, markdown, median, need, say

COLOURS = ["#3b6ea5", "#d98032", "#5a9e5a", "#9b5fa8", "#8c8c8c"]
BEGIN = "<!-- begin: trapline bench report -->"
END = "<!-- end -->"


def options(parser):
    parser.add_argument("files", nargs="+", metavar="FILE", help="results")
    parser.add_argument("--pictures", metavar="DIR", help="leave SVG and PNG "
                        "pictures there")
    parser.add_argument("--html", metavar="FILE", help="write one page with "
                        "everything in it")
    parser.add_argument("--docs", metavar="FILE", help="replace what is between "
                        f"\"{BEGIN}\" and \"{END}\" in FILE")


# --- pictures -----------------------------------------------------------------

def gnuplot(script, path):
    need("gnuplot", "gnuplot-nox")
    terminal = "svg size 900,480 dynamic font 'sans-serif,13' background " \
        "'white'" if path.endswith(".svg") else \
        "pngcairo size 900,480 font 'sans-serif,11' background 'white'"
    text = f"set terminal {terminal}\nset output {quoted(path)}\n" + script
    done = subprocess.run(["gnuplot"], input=text, text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode or "error" in done.stdout.lower():
        raise BenchError(f"gnuplot: {' '.join(done.stdout.split()[:30])}")


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


def bars(title, ylabel, groups, series, values, log=0, line=None):
    """A gnuplot script: for each of @groups a bar of each of @series, with its
    10th and 90th percentile; @values: {(group, series): (mid, low, high)}; @log:
    0, or where a logarithmic scale begins."""
    data = ["$data << EOD"]
    for group in groups:
        cells = [quoted(group).replace("'", '"')]
        for one in series:
            got = values.get((group, one))
            cells += [f"{v:.6g}" for v in got] if got else ["NaN"] * 3
        data.append(" ".join(cells))
    data.append("EOD")
    plots = [f"$data using {3 * i + 2}:{3 * i + 3}:{3 * i + 4}:xtic(1) "
             f"title {quoted(one)} lc rgb '{COLOURS[i % len(COLOURS)]}'"
             for i, one in enumerate(series)]
    if line is not None:
        plots.append(f"{line} title '' lc rgb '#444444' dt 2")
    return "\n".join(data + [
        f"set title {quoted(title)} noenhanced",
        f"set ylabel {quoted(ylabel)}", "set style data histograms",
        "set style histogram errorbars gap 1.2 lw 1",
        "set style fill solid 0.9 border -1", "set boxwidth 0.9 relative",
        "set grid ytics lc rgb '#dddddd'", "set key outside top right",
        "set xtics rotate by -35 noenhanced", "set border 3",
        "set tics nomirror", "set bars 0.6",
        "set logscale y" if log else "",
        f"set yrange [{log or 0:.6g}:*]",
        "plot " + ", \\\n ".join(plots)]) + "\n"


def figures(data, kind):
    """{name: gnuplot script} of what the results have of that command."""
    suffix = "-a15" if data["host"].get("host") == "arm" else ""
    suffix += "" if data["host"].get("icount") else "-time"
    if kind == "mibench":
        return {f"mibench-{guest}-{size}{suffix}": programs(data, guest, size)
                for guest, size in mibench_report.groups(data)}
    found = {}
    for key, cell in data["cells"].items():
        if key.split("/")[0] == kind:
            for what, script in measures(key, cell):
                found[key.replace("/", "-") + what + suffix] = script
    return found


def programs(data, guest, size):
    _, cells, names = mibench_report.columns(data, guest, size)
    values = {}
    series = []
    for n, cell in sorted(cells.items()):
        title = "one guest" if n == 1 else f"{n} guests"
        series.append(title)
        for name in names:
            mark = cell["benchmarks"][name]
            values[name, title] = results.ratio_interval(
                [r["real"] for g in mark["guests"] for r in g],
                [r["real"] for r in mark["host"]])
    what = "instructions" if data["host"].get("icount") else "real time"
    return bars(f"{what} in {guest} guests, {size} inputs, host = 1",
                "times the host's", names, series, values, line=1)


# What people read sooner than the unit of the samples.
AXES = {"us": (1e-6, "s"), "ns": (1e-9, "s"), "KiB": (1 / 1024, "MiB")}


def measures(key, cell):
    """(end of its name, gnuplot script) of the picture of a cell; of one for each
    MEASURE where rows are named THING/MEASURE, and of one for each unit where
    those differ."""
    kinds = {}
    for entry in cell["rows"]:
        if entry["samples"]:
            thing, _, what = entry["name"][len(key) + 1:].partition("/")
            kinds.setdefault(what, {}).setdefault(entry["unit"], []).append(
                (thing, entry))
    for what, units in kinds.items():
        for rows in units.values():
            name = what or (rows[0][0] if len(units) > 1 else "")
            about = key.replace("/", ", ", 1)
            yield ("-" + name, picture(f"{about}, {name}", rows)) if name \
                else ("", picture(about, rows))


def picture(about, rows):
    """A gnuplot script: bars of @rows [(group, row)], all of one unit."""
    factor, unit = AXES.get(rows[0][1]["unit"], (1, rows[0][1]["unit"]))
    series = sorted(dict.fromkeys(r["who"] for _, r in rows),
                    key=lambda who: who != "trapline")
    groups = list(dict.fromkeys(thing for thing, _ in rows))
    values = {(thing, r["who"]): tuple(factor * value for value in (
        median(r["samples"]), results.percentile(r["samples"], 10),
        results.percentile(r["samples"], 90))) for thing, r in rows}
    low = min(v[0] for v in values.values())
    high = max(v[0] for v in values.values())
    # A few decades need a logarithm, which needs a place to begin.
    log = low / 4 if low > 0 and high > 30 * low else 0
    better = "less" if rows[0][1]["better"] == "lower" else "more"
    return ("set format y '%.1s %c'\n" if high >= 1000 else "") + \
        bars(f"{about}: {unit}, {better} is better", unit, groups, series,
             values, log)


# --- text ---------------------------------------------------------------------

def origin(data, kind):
    host = data["host"]
    where = f"an emulated {host.get('host')} host" if host.get("nested") \
        else f"{host.get('machine')}"
    parts = [f"{kind}: {data['when'][:10]}, revision {data.get('git')}",
             where, f"Linux {host.get('kernel')}"]
    if host.get("qemu"):
        parts.append(host["qemu"].split(" (")[0])
    parts.append("instructions counted" if host.get("icount") else
                 "by the clock")
    return ", ".join(parts)


def sections(files):
    """[(heading, [paragraph or (rows, header)], {picture: gnuplot script})]"""
    found = []
    for data in files:
        where = ", 32-bit host" if data["host"].get("host") == "arm" else ""
        for kind in results.kinds(data):
            body = [origin(data, kind) + "."]
            if kind == "mibench":
                body += of_programs(data)
            else:
                body.append((results.summary(data, kind),
                             results.SUMMARY_HEADER))
                body += results.differences(data, kind)
            found.append((kind + where, body, figures(data, kind)))
    return found


def of_programs(data):
    unit = "seconds; M: million instructions" if data["host"].get("icount") \
        else "seconds"
    body = []
    for guest, size in mibench_report.groups(data):
        body += [f"{guest} guests, {size} inputs ({unit}):",
                 mibench_report.experiment(data, guest, size), "",
                 mibench_report.beyond(data, guest, size)]
    return body


def as_markdown(parts, pictures, base):
    lines = []
    for heading, body, drawn in parts:
        lines.append(f"### {heading}\n")
        for part in body:
            if part:
                lines.append((markdown(*part) if isinstance(part, tuple)
                              else part) + "\n")
        for name in drawn if pictures else ():
            path = os.path.relpath(os.path.join(pictures, name + ".svg"), base)
            lines.append(f"![{name}]({path})\n")
    return "\n".join(lines).rstrip() + "\n"


STYLE = """body { font: 15px sans-serif; margin: 2em auto; max-width: 70em }
table { border-collapse: collapse; margin: 1em 0; font-size: 13px }
td, th { border: 1px solid #ccc; padding: 2px 8px; text-align: right }
td:first-child, th:first-child { text-align: left }
svg { max-width: 100%; height: auto }"""


def as_html(parts, folder):
    lines = ["<!doctype html><html lang=en><meta charset=utf-8>",
             f"<title>trapline bench</title><style>{STYLE}</style>",
             "<h1>trapline bench</h1>"]
    for heading, body, drawn in parts:
        lines.append(f"<h2>{html.escape(heading)}</h2>")
        for part in body:
            if not isinstance(part, tuple):
                lines.append(f"<p>{html.escape(part)}</p>")
                continue
            rows, header = part
            cells = [("th", header)] + [("td", row) for row in rows]
            lines.append("<table>" + "".join(
                "<tr>" + "".join(f"<{tag}>{html.escape(str(c))}</{tag}>"
                                 for c in row) + "</tr>"
                for tag, row in cells) + "</table>")
        for name in drawn:
            with open(os.path.join(folder, name + ".svg"),
                      encoding="utf8") as file:
                picture = file.read()
            lines.append(picture[picture.index("<svg"):])
    return "\n".join(lines) + "\n"


def replace_between(path, text):
    with open(path, encoding="utf8") as file:
        old = file.read()
    head, begin, rest = old.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise BenchError(f"{path}: no \"{BEGIN}\" and \"{END}\" in it")
    with open(path + ".new", "w", encoding="utf8") as file:
        file.write(f"{head}{BEGIN}\n\n{text}\n{END}{tail}")
    os.replace(path + ".new", path)


def run(args):
    files = [results.load(path) for path in args.files]
    for data in files:
        if not data["cells"]:
            raise BenchError(f"the results of {data['command']} have no cells")
    pictures = args.pictures
    if args.html and not pictures:
        pictures = os.path.dirname(os.path.abspath(args.html))
    parts = sections(files)
    if pictures:
        os.makedirs(pictures, exist_ok=True)
        for _, _, drawn in parts:
            for name, script in drawn.items():
                for kind in ("svg", "png"):
                    gnuplot(script, os.path.join(pictures, f"{name}.{kind}"))
    if args.html:
        with open(args.html, "w", encoding="utf8") as file:
            file.write(as_html(parts, pictures))
        say(f"{args.html} is written")
    base = os.path.dirname(os.path.abspath(args.docs or "x"))
    text = as_markdown(parts, pictures, base)
    if args.docs:
        replace_between(args.docs, text)
        say(f"{args.docs} is brought up to date")
    elif not args.html:
        print(text, end="")
    return 0
