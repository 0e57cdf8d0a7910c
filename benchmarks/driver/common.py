# SPDX-License-Identifier: GPL-2.0-only
"""What the parts of the driver share: places, messages, small statistics."""
import os
import random
import shutil
import statistics
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))


class BenchError(Exception):
    """What failed and what to do, in one line; @status is the exit status."""

    def __init__(self, text, status=1):
        super().__init__(text)
        self.status = status


def say(text):
    print("trapline bench: " + text, file=sys.stderr, flush=True)


def source_tree():
    """The source tree that the driver is part of, None once installed."""
    top = os.path.dirname(os.path.dirname(HERE))
    return top if os.path.exists(os.path.join(top, "scripts/nested-host")) \
        else None


def output_dir():
    """Where programs are built and results are left by default."""
    top = source_tree()
    if "O" in os.environ or not top:
        return os.path.abspath(os.environ.get("O", "trapline-bench"))
    return os.path.join(top, "build")


def program(path):
    """bench/KIND/NAME or guests/NAME.bin, as built or as installed."""
    for base in (output_dir(), HERE):
        full = os.path.join(base, path)
        if os.path.exists(full):
            return full
    raise BenchError(f"{path} is not built: run make bench-programs")


def need(command, package):
    if not shutil.which(command):
        raise BenchError(f"{command} is missing: install the package "
                         f"{package}")


# --- statistics ---------------------------------------------------------------

def last_lines(output, count=1):
    """What a program said last, in one line; "" if nothing.  @output is its
    text or its bytes."""
    if isinstance(output, bytes):
        output = output.decode(errors="replace")
    said = [line.strip() for line in output.splitlines() if line.strip()]
    return " / ".join(line[:200] for line in said[-count:])


def median(samples):
    return statistics.median(samples)


def percentile(samples, percent):
    """Nearest rank."""
    ordered = sorted(samples)
    rank = max(0, -(-percent * len(ordered) // 100) - 1)
    return ordered[int(rank)]


def ratio_interval(above, below, rounds=1000):
    """Ratio of the medians of two lists, with its 95 % confidence interval by
    the bootstrap (Efron, 1979); the same for the same lists."""
    draw = random.Random(1)
    middle = median(above) / median(below) if median(below) else float("nan")
    if len(above) < 2 and len(below) < 2:
        return middle, middle, middle
    ratios = []
    for _ in range(rounds):
        low = median(draw.choices(below, k=len(below)))
        if low:
            ratios.append(median(draw.choices(above, k=len(above))) / low)
    if not ratios:
        return middle, middle, middle
    ratios.sort()
    return (middle, ratios[int(len(ratios) * 0.025)],
            ratios[min(len(ratios) - 1, int(len(ratios) * 0.975))])


def unfairness(values):
    """How much longer the slowest took than the fastest: 0.03 is 3 %."""
    return max(values) / min(values) - 1 if min(values) > 0 else float("nan")


# --- output -------------------------------------------------------------------

def table(rows, header):
    """Aligned lines: the first column to the left, numbers to the right."""
    rows = [[str(c) for c in row] for row in [header] + rows]
    width = [max(len(row[i]) for row in rows) for i in range(len(header))]
    lines = []
    for row in rows:
        cells = [row[0].ljust(width[0])]
        cells += [c.rjust(w) for c, w in zip(row[1:], width[1:])]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def markdown(rows, header):
    lines = ["| " + " | ".join(header) + " |",
             "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(str(c) for c in row) + " |" for row in rows]
    return "\n".join(lines)


def quantity(value, unit):
    """For people: three digits and a prefix."""
    if unit == "us":
        value, unit = value / 1e6, "s"
    if unit == "ns":
        value, unit = value / 1e9, "s"
    if unit == "KiB" and value >= 10240:
        return f"{value / 1024:.3g} MiB"
    if unit == "s":
        for factor, name in ((1, "s"), (1e-3, "ms"), (1e-6, "us")):
            if value >= factor:
                return f"{value / factor:.3g} {name}"
        return f"{value * 1e9:.3g} ns"
    for factor, name in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if value >= factor:
            return f"{value / (1e3 if name == 'k' else factor):.4g}{name} " \
                   f"{unit}"
    return f"{value:.4g} {unit}"


class Progress:
    """Where a sweep is and when it will be done, from what its cells took."""

    def __init__(self, guesses):
        self.left = dict(guesses)  # cell -> seconds it is thought to take
        self.total = len(guesses)
        self.guessed = self.spent = 0.0
        self.began = time.monotonic()

    def begin(self, cell):
        scale = self.spent / self.guessed if self.guessed else 1
        rest = sum(self.left.values()) * scale
        say(f"[{self.total - len(self.left) + 1}/{self.total}] {cell}, "
            f"{time.monotonic() - self.began:.0f} s gone, "
            f"about {max(rest, 1):.0f} s to go")
        self.now = time.monotonic()

    def done(self, cell):
        self.guessed += self.left.pop(cell)
        self.spent += time.monotonic() - self.now
