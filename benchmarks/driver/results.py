# SPDX-License-Identifier: GPL-2.0-only
"""Results on disk, and two of them compared.

A file of results is JSON: {"format": "trapline-bench", "version": 1, "command",
"when", "git", "host": {...}, "cells": {CELL: {"seconds", "rows": [...],
"detail"}}}.  A row is {"name", "who", "unit", "better": "lower"|"higher",
"samples": [...]}, or has "missing", why it has no samples.
"""
import json
import os
import time

from common import (BenchError, median, percentile, quantity, ratio_interval,
                    table)
from host import revision

VERSION = 1


def new(command, host):
    return {"format": "trapline-bench", "version": VERSION, "command": command,
            "when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "git": revision(), "host": host, "cells": {}}


def load(path):
    try:
        with open(path, encoding="utf8") as file:
            data = json.load(file)
    except OSError as error:
        raise BenchError(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise BenchError(f"{path}: not JSON ({error})") from error
    if not isinstance(data, dict) or data.get("format") != "trapline-bench" \
            or not isinstance(data.get("cells"), dict):
        raise BenchError(f"{path}: not results of trapline bench")
    if data.get("version") != VERSION:
        raise BenchError(f"{path}: version {data.get('version')}, this "
                         f"trapline reads {VERSION}")
    return data


def save(data, path):
    """Whole or not at all, so that an interrupted run leaves the last one."""
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    new_path = path + ".new"
    with open(new_path, "w", encoding="utf8") as file:
        json.dump(data, file, indent=1, sort_keys=True)
        file.write("\n")
    os.replace(new_path, path)


def rows_of(data):
    """{(name, who): row} of all cells."""
    return {(row["name"], row["who"]): row
            for _, cell in sorted(data["cells"].items())
            for row in cell["rows"]}


def row(name, who, unit, samples, better="lower", **more):
    return dict(name=name, who=who, unit=unit, better=better,
                samples=list(samples), **more)


def missing(name, who, why):
    return dict(name=name, who=who, unit="", better="lower", samples=[],
                missing=why)


def kinds(data):
    """The commands whose cells are there: one, or several of "all"."""
    return list(dict.fromkeys(key.split("/")[0] for key in data["cells"]))


def summary(data, kind=None):
    """A line for each measure (of that command): medians, spread, and ratios
    where there are two who did it."""
    by_name = {}
    for (name, who), entry in rows_of(data).items():
        if kind in (None, name.split("/")[0]):
            by_name.setdefault(name, {})[who] = entry
    lines = []
    for name, entries in by_name.items():
        ours = entries.get("trapline")
        for who, entry in sorted(entries.items(),
                                 key=lambda item: item[0] != "trapline"):
            if not entry["samples"]:
                lines.append([name, who, entry.get("missing", "none"), "", "",
                              ""])
                continue
            values = entry["samples"]
            ratio = ""
            if ours and who != "trapline" and ours["samples"]:
                ratio = versus(ours, entry, name)
            lines.append([name, who, quantity(median(values), entry["unit"]),
                          quantity(percentile(values, 10), entry["unit"]),
                          quantity(percentile(values, 90), entry["unit"]),
                          ratio])
    return lines


def differences(data, kind=None):
    """A line for each measure (of that command) that was not taken in the same
    way of all."""
    each = {}
    for (name, who), entry in rows_of(data).items():
        if entry.get("what") and kind in (None, name.split("/")[0]):
            each.setdefault(name, {}).setdefault(entry["what"], []).append(who)
    return [f"{name}: " + "; ".join(f"{', '.join(whos)}: {what}"
                                    for what, whos in found.items())
            for name, found in each.items() if len(found) > 1]


SUMMARY_HEADER = ["measure", "who", "median", "10 %", "90 %",
                  "trapline / other [95 %]"]


# Where another VMM did better, and it is known why, up to a ratio:
# docs/benchmarks.md says it at length, and what shows it.
KNOWN = {
    "kick": (6, "each wakes the worker"),
    "mmio-kernel": (1.02, "KVM searches more addresses"),
    "ipi-self": (1.02, "KVM searches more addresses"),
    "stage2-fault-4k": (1.05, "as much as two runs differ"),
    "process": (1.01, "trapline copies the kernel once more"),
    "latency-99": (1.1, "batches: a lower mean, and a wider spread"),
    "overhead": (1.4, "trapline is the larger program"),
}


def versus(ours, theirs, name):
    middle, low, high = ratio_interval(ours["samples"], theirs["samples"])
    text = f"{middle:.3f} [{low:.3f}, {high:.3f}]"
    if not (low > 1 if ours["better"] == "lower" else high < 1):
        return text
    limit, why = KNOWN.get(name.rsplit("/", 1)[-1], (0, ""))
    known = middle > 0 and max(middle, 1 / middle) <= limit
    return f"{text} behind: {why if known else 'not explained yet'}"


def compare(old_path, new_path, tolerance):
    """Print what changed; the number of regressions.  One is a change for the
    worse whose confidence interval leaves out 1 and that exceeds @tolerance."""
    before, after = load(old_path), load(new_path)
    for key in ("nested", "icount", "host", "machine"):
        if before["host"].get(key) != after["host"].get(key):
            raise BenchError(f"{old_path} and {new_path} are not from the same "
                             f"kind of host ({key}: {before['host'].get(key)}"
                             f", {after['host'].get(key)})")
    old_rows, new_rows = rows_of(before), rows_of(after)
    lines, worse, compared = [], 0, 0
    for key in sorted(old_rows):
        old, current = old_rows[key], new_rows.get(key)
        if not old["samples"]:
            continue
        if not current or not current["samples"]:
            if key[1] == "trapline":
                lines.append([*key, "", "", "gone"])
                worse += 1
            continue
        compared += 1
        middle, low, high = ratio_interval(current["samples"], old["samples"])
        limit = tolerance
        if min(len(old["samples"]), len(current["samples"])) < 3 and \
                not before["host"].get("icount"):
            # No spread to judge by.
            limit = max(tolerance, 0.25)
        if old["better"] == "higher":
            bad, good = high < 1 and middle < 1 - limit, \
                low > 1 and middle > 1 + limit
        else:
            bad, good = low > 1 and middle > 1 + limit, \
                high < 1 and middle < 1 - limit
        if len(old["samples"]) == len(current["samples"]) == 1:
            bad = middle < 1 - limit if old["better"] == "higher" else \
                middle > 1 + limit
        verdict = "REGRESSION" if bad else "better" if good else ""
        if key[1] != "trapline":
            # Others are the yardstick: theirs is the machine's noise.
            verdict = verdict.lower() and "moved"
        elif bad:
            worse += 1
        lines.append([*key, f"{middle:.3f}", f"[{low:.3f}, {high:.3f}]",
                      verdict])
    if not compared:
        raise BenchError(f"{old_path} and {new_path} have no measure in common")
    print(table(lines, ["measure", "who", "new / old", "95 %", ""]))
    print(f"{compared} compared, {worse} worse beyond noise")
    return worse
