# SPDX-License-Identifier: GPL-2.0-only
"""trapline bench exits: what each kind of exit costs, by a bare-metal payload
(tests/guests/exits.c) that reads its own counter."""
import glob
import os

import peers
from common import BenchError, last_lines, program
from host import read
from results import missing, row

# In the order of the table; what an operation is, for people.
OPERATIONS = {
    "hypercall": "hypercall (PSCI_VERSION)",
    "mmio-kernel": "MMIO answered in the kernel (GICD read)",
    "mmio-vmm": "MMIO answered by the VMM",
    "kick": "ioeventfd kick (virtio QueueNotify)",
    "timer-wake": "WFI until the timer: how late",
    "ipi-self": "IPI to itself, acknowledged and ended",
    "ipi-pair": "IPI to a sleeping vCPU and back",
    "irqfd": "virtio buffer there and back: kick, worker, irqfd, wake",
    "stage2-fault": "stage-2 fault, 2 MiB (transparent huge page)",
    "stage2-fault-4k": "stage-2 fault, 4 KiB",
    "sysreg": "system register trap (ACTLR read)",
    "set-way": "cache maintenance by set and way",
}

SCRIPT = """
share=$PWD
work=$(mktemp -d)
cp exits.bin @FILES@ "$work"
cd "$work"
@PEERS@
big=/sys/kernel/mm/transparent_hugepage/enabled
one() { timeout @LIMIT@ sh -c "$2" </dev/null >"$share/$1" 2>"$share/$1.err" ||
	echo "status $?" >>"$share/$1"; }
all() { @ALL@
}
@WARM@
for round in @ROUNDS@; do all "$round"; done
# The same with pages of 4 KiB, where we may say so.
if [ -w $big ]; then
	was=$(sed 's/.*\\[\\(.*\\)\\].*/\\1/' $big)
	trap 'echo $was >$big' EXIT
	echo never >$big
	all small
fi
"""


def cells(args):
    return {f"exits/{width}": 25 * (3 if args.vs else 1)
            for width in args.widths}


def parse(text, icount):
    """({operation: [cost of one, a sample each]}, {operation: why not})."""
    freq, costs, skipped, done = 0, {}, {}, False
    for line in text.splitlines():
        words = line.strip("\r").split()
        if not words:
            continue
        if words[0] == "freq" and len(words) == 2:
            freq = int(words[1], 16)
        elif words[0] == "exit" and len(words) > 3 and freq:
            # With --icount a nanosecond is an instruction.
            scale = 1e9 / freq / int(words[2], 16)
            costs[words[1]] = [round(int(t, 16) * scale, 1)
                               for t in words[3:]]
        elif words[0] == "skip" and len(words) > 2:
            skipped[words[1]] = " ".join(words[2:])
        elif words[0] == "done":
            done = True
    if not done:
        reason = " ".join(text.split()[-4:]) or "it printed nothing"
        raise BenchError(f"the payload did not end ({reason})")
    return costs, skipped, "instructions" if icount else "ns"


def registers(text):
    """{operation: the register that it reads}, where machines differ."""
    lines = [line.split() for line in text.splitlines()]
    return {words[1]: " ".join(words[2:]) for words in lines
            if len(words) > 2 and words[0] == "read"}


def run(key, args, host, keep):
    width = key.split("/")[1]
    vmms = peers.commands(args, host, payload="exits.bin", width=width)
    files = peers.files(args, host)
    rounds = range(1, args.rounds + 1)
    body = "".join(f"\n\tone {who}.$1 {peers.quote(command)}"
                   for who, command in vmms.items())
    # The first run of each pays for reading the program.
    script = SCRIPT.replace("@ALL@", body) \
        .replace("@ROUNDS@", " ".join(str(r) for r in rounds)) \
        .replace("@WARM@", "all warm") \
        .replace("@FILES@", " ".join(map(peers.quote, files))) \
        .replace("@PEERS@", peers.ready(args, host)) \
        .replace("@LIMIT@", str(host.inner_limit()))
    files["exits.bin"] = read(program(f"guests/exits{width}.bin"))
    host.run(script, files, keep, extras=peers.needs_extras(args, host))
    return collect(vmms, key, host.icount, keep), {}


def collect(vmms, key, icount, keep):
    rows = []
    for who in vmms:
        costs = {}
        skipped, reads = {}, {}
        unit, failed = "", None
        for path in sorted(glob.glob(os.path.join(keep, who + ".*"))):
            turn = path.rsplit(".", 1)[1]
            if turn in ("err", "warm"):
                continue
            text = read(path).decode(errors="replace")
            reads.update(registers(text))
            try:
                got, skips, unit = parse(text, icount)
            except BenchError as error:
                failed = f"{error}{last_line(path + '.err')}"
                continue
            skipped.update(skips)
            if turn == "small":
                got = {"stage2-fault-4k": got["stage2-fault"]} \
                    if "stage2-fault" in got else {}
            for name, samples in got.items():
                costs.setdefault(name, []).extend(samples)
        for name, what in OPERATIONS.items():
            full = f"{key}/{name}"
            if name in costs:
                what += f" ({reads[name]} read)" if name in reads else ""
                rows.append(row(full, who, unit, costs[name], what=what))
            else:
                rows.append(missing(full, who, skipped.get(name) or failed or
                                    "not measured"))
    if not any(r["samples"] for r in rows if r["who"] == "trapline"):
        raise BenchError(f"{key}: " + next(r["missing"] for r in rows))
    return rows


def last_line(path):
    """What a VMM said last, after a colon; "" if nothing."""
    try:
        said = last_lines(read(path))
    except OSError:
        return ""
    return said and ": " + said
