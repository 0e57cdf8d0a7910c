# SPDX-License-Identifier: GPL-2.0-only
"""The experiment's table, and what the experiment could not say."""
from common import median, ratio_interval, table, unfairness
from results import rows_of

# A class of exits, the counters it is made of, and the operation of
# tests/guests/exits.c that it is priced as.
PRICES = (("user MMIO", ("mmio_exit_user",), "mmio-vmm"),
          ("kernel MMIO", ("mmio_exit_kernel",), "mmio-kernel"),
          ("WFI", ("wfi_exit_stat", "wfe_exit_stat"), "hypercall"),
          ("HVC", ("hvc_exit_stat",), "hypercall"),
          ("interrupts", ("irq_exits",), "hypercall"))
# What the seed experiment measured of the five in one guest, real time over the
# host's.
EXPERIMENT = {"adpcm": 1.25, "gsm": 1.04, "crc32": 1.09, "fft": 1.07,
              "jpeg": 1.08}
TRAPS = [name for _, names, _ in PRICES for name in names
         if name != "irq_exits"]


def seconds(value, unit):
    if value is None:
        return "-"
    return f"{value / 1e6:.2f} M" if unit == "instructions" else \
        f"{value / 1e6:.3f}"


def spent_on(us, icount):
    """With --icount a millisecond is a million instructions."""
    return f"{us / 1000:.2f} {'M' if icount else 'ms'}"


def of_rounds(rounds):
    return {what: median([r[what] for r in rounds])
            for what in ("real", "user", "sys")}


def columns(data, guest, size):
    """[(title, {benchmark: {real, user, sys} in microseconds})], the cells of
    that guest by number of guests, and the benchmarks."""
    found, names, cells = [], [], {}
    for key, cell in data["cells"].items():
        parts = key.split("/")
        if parts[:3] == ["mibench", guest, size]:
            cells[int(parts[3].split("=")[1])] = cell["detail"]
    rows = rows_of(data)
    local = {}
    for detail in cells.values():
        names = names or list(detail["benchmarks"])
    for name in names:
        key = f"mibench/local/{size}/{name}/"
        if (key + "real", "local") in rows:
            local[name] = {what: median(rows[key + what, "local"]["samples"])
                           for what in ("real", "user", "sys")}
    found.append(("Local", local))
    for n in sorted(cells):
        marks = cells[n]["benchmarks"]
        if n == min(cells):
            found.append(("Host", {b: of_rounds(marks[b]["host"])
                                   for b in marks}))
        found.append(("One guest" if n == 1 else f"{n} guests",
                      {b: of_rounds([r for g in marks[b]["guests"]
                                     for r in g]) for b in marks}))
    return found, cells, names


def differ(guests):
    """By how much more the longest round took than the shortest, in the guest
    where that is most; "" if there was one."""
    rounds = [[r["real"] for r in guest] for guest in guests]
    if min(len(guest) for guest in rounds) < 2:
        return ""
    return f"{max(unfairness(guest) for guest in rounds) * 100:.2f} %"


def experiment(data, guest, size):
    """(rows, header) of the table."""
    found, cells, names = columns(data, guest, size)
    icount = any(c["icount"] for c in cells.values())
    header = ["benchmark"]
    for title, _ in found:
        header += [f"{title} {what}" for what in ("real", "user", "sys")]
    lines = []
    for name in names:
        line = [name]
        for title, values in found:
            scale = 1000 if icount and title != "Local" else 1
            unit = "instructions" if scale > 1 else "us"
            for what in ("real", "user", "sys"):
                value = values.get(name, {}).get(what)
                line.append(seconds(None if value is None else value * scale,
                                    unit))
        lines.append(line)
    return lines, header


def explain(exits, costs):
    """(exits a round, microseconds that they account for, where they went) of
    one guest; rounds whose counters are missing do not count."""
    if not exits:
        return None, None, ""
    total, parts = 0.0, {}
    mean = {k: sum(r.get(k, 0) for r in exits) / len(exits) for k in exits[0]}
    for title, names, price in PRICES:
        count = sum(mean.get(n, 0) for n in names)
        parts[title] = (count, count * costs.get(price, 0) / 1000)
    rest = mean.get("trap_exits", 0) - sum(mean.get(n, 0) for n in TRAPS)
    parts["other traps"] = (max(rest, 0),
                            max(rest, 0) * costs.get("sysreg", 0) / 1000)
    total = sum(us for _, us in parts.values())
    where = ", ".join(f"{title} {count:.0f}" for title, (count, _) in
                      sorted(parts.items(), key=lambda p: -p[1][0])
                      if count >= 0.5)
    all_exits = mean.get("exits") or sum(c for c, _ in parts.values())
    return all_exits, total, where


def beyond(data, guest, size):
    """(rows, header): ratios, fairness, lost time, and what exits explain."""
    _, cells, names = columns(data, guest, size)
    lines = []
    for name in names:
        for n, cell in sorted(cells.items()):
            mark = cell["benchmarks"][name]
            host = [r["real"] for r in mark["host"]]
            inside = [r["real"] for g in mark["guests"] for r in g]
            each = [median([r["real"] for r in g]) for g in mark["guests"]]
            ratio, low, high = ratio_interval(inside, host)
            lost = [r["host_elapsed"] - r["elapsed"] for g in mark["guests"]
                    for r in g if "host_elapsed" in r]
            spent = sum(r["host_elapsed"] for g in mark["guests"] for r in g
                        if "host_elapsed" in r)
            exits, explained, where = explain(mark["exits"][0], cell["costs"])
            over = median(inside) - median(host)
            lines.append([
                name, n, f"{ratio:.3f} [{low:.3f}, {high:.3f}]",
                EXPERIMENT.get(name.lower(), "") if n == 1 else "",
                differ(mark["guests"]),
                f"{unfairness(each) * 100:.1f} %" if n > 1 else "",
                f"{sum(lost) / spent * 100:+.2f} %" if spent else "",
                spent_on(over, cell["icount"]),
                "-" if exits is None else f"{exits:.0f}",
                "-" if explained is None else
                spent_on(explained, cell["icount"]),
                where])
    return lines, ["benchmark", "guests", "real / host's [95 %]",
                   "experiment's", "rounds differ by", "slowest over fastest", "lost time", "overhead", "exits",
                   "they cost", "which"]


def groups(data):
    """(guest, size) of the cells."""
    return sorted({tuple(key.split("/")[1:3]) for key in data["cells"]
                   if key.startswith("mibench/") and "guests=" in key})


def show(data):
    for guest, size in groups(data):
        lines, header = experiment(data, guest, size)
        print(f"\n{guest} guests, {size} inputs, seconds" +
              (" (instructions on the host and in guests)"
               if "M" in str(lines) else "") + "\n")
        print(table(lines, header))
        lines, header = beyond(data, guest, size)
        print()
        print(table(lines, header))
