# SPDX-License-Identifier: GPL-2.0-only
"""trapline bench boot, memory, density, blk and net: one Linux guest (density:
several), and the same under others, in turns."""
import os

import peers
from common import BenchError, program
from host import guest_file, initrd, programs, read
from mibench import add_end, guest_kind
from results import missing, row

SCRIPT = """
share=$PWD
work=$(mktemp -d)
cp -r . "$work"
cd "$work"
chmod +x group.* mibench.*
@PEERS@
@PINS@
# one WHO ROUND COMMAND...: MEMBERS of it, with the option $tty of group
one() {
	events=$share/$1.$2
	shift 2
	./group.@KIND@ $tty -t @LIMIT@ -h ./hook "$events" "$@" || {
		echo "$events: status $?: $(tail -n 3 "$events".*[0-9] | cut -c1-300)"
		failed=1; }
}
failed=''
@BEFORE@
for round in @ROUNDS@; do
	@TURN@
done
@AFTER@
"""

# What of a process is not the guest's memory: its mapping is the largest.
MEMORY_HOOK = """
[ "$1" = ready ] || exit 0
for pid in $MEMBERS; do
	awk -v guest=@MEM@ '
		/^[0-9a-f]+-/ { ram = 0 }
		/^Size:/ { ram = $2 >= guest * 1024 }
		/^Pss:/ { if (ram) inside += $2; else outside += $2 }
		END { print outside, inside }' /proc/$pid/smaps >>"@SHARE@/pss.$BENCH_WHO"
done
"""

DENSITY_HOOK = """
[ "$1" = ready ] || exit 0
busy() { awk '/^cpu / { for (i = 2; i <= 9; i++) all += $i
	print all - $5 - $6, all }' /proc/stat; }
free() { awk '/^MemAvailable/ { print $2 }' /proc/meminfo; }
after=$(free)
sleep 1
a=$(busy)
sleep 5
b=$(busy)
echo "$BENCH_FREE $after $a $b" >>"@SHARE@/density.$BENCH_WHO"
"""

RANDOM, SEQUENTIAL = 1500, 400
BLK_PLAN = "".join(
    f"bench {how}-{what}\n"
    f"run - - mibench load disk /dev/vda {how} {what} {size} {count}\n"
    for how, size, count in (("random", 4096, RANDOM),
                             ("sequential", 65536, SEQUENTIAL))
    for what in ("read", "write"))
NET_BYTES, NET_ECHOES = 24 << 20, 1000
NET_PLAN = f"""bench send
run - - mibench load net 192.168.233.1 up {NET_BYTES}
bench receive
run - - mibench load net 192.168.233.1 down {NET_BYTES}
bench echo
run - - mibench load net 192.168.233.1 echo {NET_ECHOES}
"""
NET_BEFORE = """
tunctl -t tlbench0 >/dev/null 2>&1 || ip tuntap add dev tlbench0 mode tap
ip addr add 192.168.233.1/24 dev tlbench0
ip link set tlbench0 up
./mibench.@KIND@ load serve &
server=$!
trap 'kill $server; ip link del tlbench0' EXIT
"""

# name of a benchmark in a plan: what one operation of it is, and how many
OPERATIONS = {
    "random-read": ("us", RANDOM), "random-write": ("us", RANDOM),
    "sequential-read": ("us", SEQUENTIAL),
    "sequential-write": ("us", SEQUENTIAL),
    "send": ("us", NET_BYTES >> 20), "receive": ("us", NET_BYTES >> 20),
    "echo": ("us", NET_ECHOES),
}
WHAT = {
    "random-read": "4 KiB", "random-write": "4 KiB",
    "sequential-read": "64 KiB", "sequential-write": "64 KiB",
    "send": "MiB", "receive": "MiB", "echo": "byte there and back",
}


class System:
    """One of the five, and the base of fio."""

    memory = 256
    # Made anew for each cell; guests find zeros on it.
    disk_mib = 32

    def __init__(self, name):
        self.name = name

    def options(self, parser):
        parser.add_argument("--mem", type=int, default=self.memory,
                            metavar="MIB",
                            help=f"memory of a guest ({self.memory})")
        if self.name == "density":
            parser.add_argument("--guests", type=int, default=4, metavar="N",
                                help="how many (4)")

    def guests(self, args):
        return [guest_kind(width) for width in args.widths]

    def cells(self, args):
        count = getattr(args, "guests", 1)
        if not 1 <= count <= 32:
            raise BenchError(f"--guests {count}: from 1 to 32", 2)
        return {f"{self.name}/{guest_kind(w)}":
                20 + 12 * (args.rounds + 1) * (1 + len(args.vs)) *
                (3 if w == "32" else 1) for w in args.widths}

    def plan(self):
        return {"blk": BLK_PLAN, "net": NET_PLAN}.get(self.name, "")

    def inside(self):
        """What the guest does; no double quote in it."""
        if self.name == "boot":
            return "echo @end boot"
        if self.name in ("memory", "density"):
            return f"echo @ready {self.name}; read x; echo @end {self.name}"
        go = "cd /bench; ./mibench cell plan; ./mibench cell plan"
        if self.name == "net":
            go = "ifconfig eth0 192.168.233.2 up; " + go
        return go

    def has_disk(self):
        return self.name == "blk"

    def initrd(self, guest, _args):
        return initrd(guest, {
            "bench/mibench": (0o755, read(program(f"bench/{guest}/mibench"))),
            "bench/plan": (0o644, self.plan().encode())})

    def run(self, key, args, host, keep):
        guest = key.split("/")[1]
        width = "32" if guest == "armhf" else "64"
        count = getattr(args, "guests", 1)
        vmms = peers.commands(
            args, host, width=width, kernel="vmlinuz", initrd="initrd.gz",
            append=f"quiet trapline.run=\"{self.inside()}\"", mem=args.mem,
            net="tlbench0" if self.name == "net" else None,
            disk="disk" if self.has_disk() else None)
        files = {
            "vmlinuz": guest_file(guest, "vmlinuz"),
            "initrd.gz": self.initrd(guest, args),
            "hook": self.hook(args).replace("@SHARE@", "$BENCH_SHARE")
            .encode(), **programs(host.programs)}
        before = NET_BEFORE if self.name == "net" else \
            f"dd if=/dev/zero of=disk bs=1M count={self.disk_mib} " \
            "2>/dev/null" if self.has_disk() else ""
        turn = "".join(self.turn(who, command, count, width)
                       for who, command in vmms.items())
        script = SCRIPT
        for name, value in {
                "BEFORE": before, "AFTER": "[ -z \"$failed\" ]", "TURN": turn,
                "ROUNDS": " ".join(str(i) for i in range(args.rounds + 1)),
                "PINS": peers.pins(count, host),
                "PEERS": peers.ready(args, host),
                "KIND": host.programs, "LIMIT": str(host.inner_limit())}.items():
            script = script.replace(f"@{name}@", value)
        script = script.replace("@KIND@", host.programs)
        host.run("export BENCH_SHARE=$PWD\n" + script,
                 files | peers.files(args, host), keep,
                 smp=min(8, max(2, count)),
                 extras=peers.needs_extras(args, host))
        return self.collect(key, vmms, args, host, keep), {}

    def hook(self, args):
        text = {"memory": MEMORY_HOOK, "density": DENSITY_HOOK}.get(
            self.name, "")
        return text.replace("@MEM@", str(args.mem))

    def turn(self, who, command, count, width):
        members = []
        for i in range(count):
            each = command
            if width == "32":
                each = each.replace("$PIN0", f"$PIN{i}") \
                    .replace("taskset 1 ", f"taskset {1 << i % 8:x} ")
            members.append(peers.quote("exec " + each))
        return f"\n\tBENCH_WHO={who} BENCH_FREE=$(awk " \
               "'/^MemAvailable/ { print $2 }' /proc/meminfo)\n\t" \
               "export BENCH_WHO BENCH_FREE\n\t" \
               f"tty={peers.terminal(who)} one {who} $round " + \
               " ".join(members)

    def collect(self, key, vmms, args, host, keep):
        rows = []
        for who in vmms:
            measures = {}
            for turn in range(1, args.rounds + 1):
                path = os.path.join(keep, f"{who}.{turn}")
                if os.path.exists(path):
                    add_events(measures, read(path).decode(), host.icount,
                               self.name, key)
            for name, values in self.own(keep, who, args).items():
                measures[name] = values
            if not measures:
                rows.append(missing(f"{key}/{self.name}", who,
                                    "it did not run"))
            for name, (unit, samples, better) in measures.items():
                rows.append(row(f"{key}/{name}", who, unit, samples, better))
        if not any(r["samples"] for r in rows if r["who"] == "trapline"):
            raise BenchError(f"{key}: nothing measured, see {keep}")
        return rows

    def own(self, keep, who, args):
        """Of the hooks; the first line is of the turn that warms up."""
        path = os.path.join(keep, f"pss.{who}")
        if self.name == "memory" and os.path.exists(path):
            lines = [[int(w) for w in line.split()] for line in
                     read(path).decode().splitlines()][1:]
            return {"overhead": ("KiB", [a for a, _ in lines], "lower"),
                    "guest-memory": ("KiB", [b for _, b in lines], "lower")}
        path = os.path.join(keep, f"density.{who}")
        if self.name == "density" and os.path.exists(path):
            lines = [[int(w) for w in line.split()] for line in
                     read(path).decode().splitlines()][1:]
            return {
                "memory-each": ("KiB", [(w[0] - w[1]) / args.guests
                                        for w in lines], "lower"),
                "idle-processor": ("%", [
                    round(100 * (w[4] - w[2]) / max(1, w[5] - w[3]), 2)
                    for w in lines], "lower")}
        return {}


def add_events(measures, text, icount, name, key):
    """What group wrote of one turn."""
    started, lines, got = {}, {}, {}

    def add(what, unit, value):
        measures.setdefault(what, (unit, [], "lower"))[1].append(value)

    for line in text.splitlines():
        at, member, what, *rest = line.split(" ", 3)
        words = rest[0].split() if rest else []
        if what == "started":
            started[member] = int(at)
        elif what == "line":
            lines.setdefault(member, int(at))
            if name in ("blk", "net"):
                add_end(got, rest[0], key)
        elif what == "ended" and name == "boot":
            words = line.split()[3:]
            if words[0] != "0":
                raise BenchError(f"{key}: it ended with status {words[0]}")
            cpu = int(words[1]) + int(words[2])
            if icount:
                add("process", "instructions", cpu * 1000)
            else:
                add("processor-time", "us", cpu)
                if member in lines:
                    add("to-init", "us", lines[member] - started[member])
                add("to-end", "us", int(at) - started[member])
    if name == "density" and lines and not icount:
        add("all-up", "us", max(lines.values()) - min(started.values()))
    for bench, entries in got.items():
        unit, count = OPERATIONS[bench]
        for entry in entries:
            add(f"{bench}, {WHAT[bench]}", "ns" if not icount else
                "instructions", round(entry["real"] * 1000 / count))
