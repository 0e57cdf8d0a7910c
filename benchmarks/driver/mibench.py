# SPDX-License-Identifier: GPL-2.0-only
"""trapline bench mibench: the same program in N guests at the same moment,
beside the host and the machine that it is built on."""
import argparse
import os
import re
import subprocess
import tempfile

import exits
import mibench_report
import plans
import peers
from common import BenchError, program
from host import guest_file, initrd, programs, read
from results import row

SCRIPT = """
share=$PWD
work=$(mktemp -d)
cp -r . "$work"
cd "$work"
chmod +x group.* mibench.*
mkdir -p host
[ ! -e tree.tar ] || tar -x -C host -f tree.tar
cp plan host/
cpus=$(grep -c ^processor /proc/cpuinfo)
# Each vCPU on a processor of its own, as far as there are any.
pin() { @PIN@; }
[ ! -e exits.bin ] || timeout @LIMIT@ trapline run --rng -c 2 -m 256 @AARCH32@ \\
	-k exits.bin </dev/null >"$share/exits.out" 2>&1 || :
status=0
@PINS@
./group.@KIND@ -t @LIMIT@ -h ./hook "$share/events" @MEMBERS@ || status=$?
cp host/out "$share/host.out" 2>/dev/null || :
cp stat.* "$share" 2>/dev/null || :
[ $status = 0 ] || { for f in "$share"/events.[0-9]*; do
	tail -n 3 "$f" | cut -c1-200; done; echo "group: status $status"; exit 1; }
"""

# The guests sit at the barrier: the host's column, undisturbed, in turns with
# theirs.  Then the counters, before and after.
HOOK = """
n=$(cat "n.$2" 2>/dev/null || echo 0)
if [ "$1" = ready ]; then
	n=$((n + 1))
	echo $n >"n.$2"
	(cd host && ../mibench.@GUEST@ cell plan "$2" >>out 2>&1)
fi
for name in @NAMES@; do
	trapline stat -z "$name" >"stat.$2.$n.$1.$name" 2>/dev/null
done
"""


def options(parser):
    parser.add_argument("--guests", type=lambda t: [int(n) for n in
                                                    t.split(",")],
                        default=[1, 2], metavar="N,...",
                        help="how many at once (1,2)")
    parser.add_argument("--cpus", type=int, default=1, metavar="N",
                        help="vCPUs of each (1)")
    parser.add_argument("--mem", type=int, default=256, metavar="MIB",
                        help="memory of each (256)")
    parser.add_argument("--size", choices=["small", "large", "kernel"],
                        default="small", help="of the inputs; kernel: system "
                        "calls, processes, memory, scheduling instead")
    parser.add_argument("--only", type=lambda t: t.split(","), metavar="NAME,"
                        "...", help="of the benchmarks")
    parser.add_argument("--mibench", metavar="DIR", help="the original MiBench, "
                        "built statically for the guest, instead of our own")
    parser.add_argument("--no-local", dest="local", default=True,
                        action="store_false", help=argparse.SUPPRESS)


def guest_kind(width):
    return "armhf" if width == "32" else "arm64"


def guests(args):
    return [guest_kind(width) for width in args.widths]


def cells(args):
    for n in args.guests:
        if not 1 <= n <= 32:
            raise BenchError(f"--guests {n}: from 1 to 32", 2)
    if not 1 <= args.cpus <= 8:
        raise BenchError(f"--cpus {args.cpus}: from 1 to 8", 2)
    if args.icount and "32" in args.widths and max(args.guests) > 1:
        raise BenchError("--icount has one processor, which 32-bit guests "
                         "cannot share in QEMU (docs/testing.md, Moving 32-bit "
                         "guests): --guests 1 or --widths 64", 2)
    large = 12 if args.size == "large" else 1
    found = {}
    if not args.mibench:
        found[f"mibench/local/{args.size}"] = 1.0 * large * args.rounds
    for width in args.widths:
        for n in args.guests:
            found[f"mibench/{guest_kind(width)}/{args.size}/guests={n}"] = \
                40 + 4.0 * large * args.rounds * (n + 1) * (
                    3 if width == "32" else 1)
    return found


def the_plan(args, guest):
    if args.mibench:
        return plans.original(args.mibench, args.size, args.only, guest)
    text, names = plans.own(args.size, args.only)
    return text, names, {}


def run(key, args, host, keep):
    if key.startswith("mibench/local/"):
        return run_local(key, args)
    guest, n = key.split("/")[1], int(key.rsplit("=", 1)[1])
    if guest == "armhf" and host.nested and n * args.cpus > (host.smp or 8):
        raise BenchError(f"{key}: each vCPU of a 32-bit guest wants a processor "
                         "of its own in QEMU, and there are "
                         f"{host.smp or 8} (docs/testing.md)")
    text, names, tree = the_plan(args, guest)
    words = " ".join(names)
    inside = {"bench/mibench": (0o755, read(program(f"bench/{guest}/mibench"))),
              "bench/plan": (0o644, text.encode())}
    for path, full in tree.items():
        inside["bench/tree/" + path] = (os.stat(full).st_mode & 0o777,
                                        read(full))
    rounds = " ".join(str(i) for i in range(args.rounds))
    # The last line keeps a guest there until its counters have been read.
    # With KASLR, Linux takes the kernel out of a program's page table at each
    # return to it, which the host's kernel does not.
    append = f"quiet nokaslr trapline.run=\"cd /bench; for i in {rounds}; do " \
             f"./mibench cell --wait plan {words}; done; " \
             "echo @ready end; read x\""
    width = "32" if guest == "armhf" else "64"
    members, vms = [], [f"trapline-bench-{i}" for i in range(n)]
    for i, name in enumerate(vms):
        line = peers.trapline(
            "vmlinuz", "initrd.gz", append, args.mem, args.cpus, "64", None,
            None, None, name)
        members.append(f"\"{escape(line)} $pin{i}\"")
    pin_lines = "\n".join(f"pin{i}=$(pin {i * args.cpus})" for i in range(n))
    hook = HOOK.replace("@GUEST@", guest).replace("@NAMES@", " ".join(vms))
    files = {"vmlinuz": guest_file(guest, "vmlinuz"),
             "initrd.gz": initrd(guest, inside), "plan": text.encode(),
             "hook": hook.encode(),
             "exits.bin": read(program(f"guests/exits{width}.bin")),
             **programs(host.programs, guest)}
    if tree:
        files["tree.tar"] = tar(tree)
    script = SCRIPT
    for name, value in {
            "PIN": pin_function(args.cpus) if host.nested else ":",
            "AARCH32": "--aarch32" if width == "32" else "",
            "PINS": pin_lines, "KIND": host.programs, "LIMIT": str(host.inner_limit()),
            "MEMBERS": " ".join(members)}.items():
        script = script.replace(f"@{name}@", value)
    host.run(script, files, keep, smp=min(8, max(2, n * args.cpus)))
    return collect(key, names, n, host.icount, keep)


def escape(line):
    """For sh, inside double quotes."""
    return re.sub(r'(["\\$`])', r"\\\1", line)


def pin_function(cpus):
    each = ",".join(f"{v}=$((($1 + {v}) % cpus))" for v in range(cpus))
    return f"echo \"--cpu-pin {each}\""


def tar(tree):
    """The files for the host's column, below tree/."""
    with tempfile.TemporaryFile() as out:
        import tarfile
        with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) \
                as archive:
            for path, full in sorted(tree.items()):
                archive.add(full, "tree/" + path, recursive=False)
        out.seek(0)
        return out.read()


def run_local(key, args):
    """The column of the machine that this runs on."""
    text, names = plans.own(args.size, args.only)
    got = {}
    with tempfile.TemporaryDirectory(prefix="trapline-bench-") as folder:
        with open(os.path.join(folder, "plan"), "w", encoding="utf8") as file:
            file.write(text)
        for _ in range(args.rounds):
            out = subprocess.run([program("bench/local/mibench"), "cell",
                                  "plan"] + names, cwd=folder, text=True,
                                 stdout=subprocess.PIPE, check=False).stdout
            for line in out.splitlines():
                add_end(got, line, key)
    rows = []
    for name in names:
        rows += three(f"{key}/{name}", "local", got.get(name, []), "us", 1)
    return rows, {}


def add_end(got, line, where):
    """One "@end" line to got[NAME]; a wrong answer ends it all."""
    words = line[line.find("@end"):].split()
    if len(words) != 8 or words[0] != "@end":
        return None
    if words[6] != "ok":
        raise BenchError(f"{where}: {words[1]} {words[6]}: " + (
            f"its output has the digest {words[7]}, another one than it must"
            if words[6] == "wrong" else "one of its programs failed"))
    entry = dict(zip(("real", "user", "sys", "elapsed"),
                     (int(w) for w in words[2:6])), digest=words[7])
    got.setdefault(words[1], []).append(entry)
    return words[1]


def three(name, who, entries, unit, factor):
    return [row(f"{name}/{what}", who, unit,
                [e[what] * factor for e in entries])
            for what in ("real", "user", "sys")]


def read_lines(keep, name):
    path = os.path.join(keep, name)
    if not os.path.exists(path):
        return []
    return read(path).decode(errors="replace").splitlines()


def collect(key, names, n, icount, keep):
    """Rows, and what the table needs besides."""
    host = {}
    for line in read_lines(keep, "host.out"):
        add_end(host, line, key + " (host)")
    inside = [{} for _ in range(n)]
    went = {}
    for line in read_lines(keep, "events"):
        at, member, what, *rest = line.split(" ", 3)
        if what == "go":
            went[member, rest[0]] = int(at)
        elif what == "line" and rest and rest[0].startswith("@end"):
            who = inside[int(member)]
            name = add_end(who, rest[0], f"{key} (guest {member})")
            if name:
                who[name][-1]["host_elapsed"] = int(at) - went[member, name]
    unit, factor = ("instructions", 1000) if icount else ("us", 1)
    rows, detail = [], {"benchmarks": {}, "icount": icount,
                        "costs": costs(keep, icount)}
    for name in names:
        entries = [e for guest in inside for e in guest.get(name, [])]
        if not host.get(name) or not all(g.get(name) for g in inside):
            raise BenchError(f"{key}: {name} did not end everywhere, see "
                             f"{keep}")
        if len({e["digest"] for e in entries + host[name]}) > 1:
            raise BenchError(f"{key}: {name} has not the same output in all "
                             "guests and on the host")
        rows += three(f"{key}/{name}", "host", host[name], unit, factor)
        rows += three(f"{key}/{name}", "trapline", entries, unit, factor)
        detail["benchmarks"][name] = {
            "host": host[name], "guests": [g[name] for g in inside],
            "exits": counters(keep, name, n)}
    return rows, detail


def counters(keep, name, n):
    """For each guest what KVM counted meanwhile, by round."""
    found = []
    for i in range(n):
        rounds, number = [], 1
        while True:
            stem = f"stat.{name}.{number}"
            before, after = (stat(keep, f"{stem}.{when}.trapline-bench-{i}")
                             for when in ("ready", "end"))
            if not before or not after:
                break
            rounds.append({k: after[k] - before[k] for k in after
                           if k in before and not k.endswith("_ns")})
            number += 1
        found.append(rounds)
    return found


def stat(keep, name):
    """COUNTER TOTAL vCPU0... to {counter: total}"""
    values = {}
    for line in read_lines(keep, name)[1:]:
        words = line.split()
        if len(words) > 1 and words[1].isdigit():
            values[words[0]] = int(words[1])
    return values


def costs(keep, icount):
    """Median nanoseconds of each kind of exit, from the same host."""
    text = "\n".join(read_lines(keep, "exits.out"))
    try:
        got, _, _ = exits.parse(text, icount)
    except BenchError:
        return {}
    return {name: sorted(samples)[len(samples) // 2]
            for name, samples in got.items()}


def report(data):
    mibench_report.show(data)
