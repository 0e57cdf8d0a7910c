# SPDX-License-Identifier: GPL-2.0-only
"""trapline bench fio: Debian's fio in a guest, on its virtio disk."""
import base64
import glob
import gzip
import json
import os
import re
import zlib

from common import BenchError, last_lines, source_tree
from host import cache_dir, initrd, quiet, read
from mibench import guest_kind
from results import missing, row
from system import System

# name: what fio calls it, and bytes of a request
PATTERNS = {"randread-4k": ("randread", 4096),
            "randwrite-4k": ("randwrite", 4096),
            "read-64k": ("read", 65536),
            "write-64k": ("write", 65536)}
DEPTHS = (1, 32)

# A clock that both widths have.  Each job waits for the one before.  Latency is
# from submission to completion: that of completion alone begins when the system
# call is over, and where the host has one processor the request may be, too.
GLOBAL = """[global]
filename=/dev/vda
ioengine=libaio
direct=1
randseed=1
clocksource=clock_gettime
thread
stonewall
lat_percentiles=1
percentile_list=50:99
"""

# What the guest does.  The output comes by the console, which every VMM has.
INSIDE = """fio --eta=never --output-format=json+ --output=out jobs
status=$?
echo fio: begin
gzip -c out | base64
echo fio: end $status
exit $status
"""


class Fio(System):
    """As blk, with another program."""

    # Debian's fio has engines for Ceph and Gluster, and the libraries that
    # those want: 81 MiB, which the guest has twice until they are unpacked.
    memory = 512

    def __init__(self):
        super().__init__("fio")

    def options(self, parser):
        super().options(parser)
        parser.add_argument("--ios", type=int, default=1024, metavar="N",
                            help="requests of each job (1024)")

    def guests(self, args):
        """Asked for when what a run needs is built: so is that."""
        for width in args.widths:
            archive(guest_kind(width))
        return super().guests(args)

    def cells(self, args):
        if not 1 <= args.ios <= 10**6:
            raise BenchError(f"--ios {args.ios}: from 1 to 1000000", 2)
        return {key: seconds * 3 for key, seconds in
                super().cells(args).items()}

    def has_disk(self):
        return True

    def inside(self):
        return "cd /bench; sh run"

    def initrd(self, guest, args):
        small = initrd(guest, {
            "bench/jobs": (0o644, job_file(args.ios).encode()),
            "bench/run": (0o644, INSIDE.encode())})
        # An archive that is not compressed begins at a multiple of 4.
        return small + bytes(-len(small) % 4) + read(archive(guest))

    def collect(self, key, vmms, args, host, keep):
        rows = []
        for who in vmms:
            measures = {}
            for turn in range(1, args.rounds + 1):
                where = f"{key}: {who}, round {turn}"
                stem = os.path.join(keep, f"{who}.{turn}")
                try:
                    text = output(read(stem + ".0"), where)
                except BenchError as error:
                    if who == "trapline":
                        raise
                    rows.append(missing(f"{key}/fio", who, str(error)))
                    break
                with open(stem + ".json", "wb") as out:
                    out.write(text)
                add_jobs(measures, text, args.ios, host.icount, where)
            else:
                rows += [row(f"{key}/{name}", who, unit, samples, better)
                         for name, (unit, better, samples)
                         in measures.items()]
        return rows


def jobs():
    """(name, what fio calls it, bytes of a request, depth) of each."""
    return [(f"{name}-qd{depth}", how, size, depth)
            for name, (how, size) in PATTERNS.items() for depth in DEPTHS]


def job_file(ios):
    return GLOBAL + "".join(
        f"[{name}]\nrw={how}\nbs={size}\niodepth={depth}\n"
        f"io_size={size * ios}\n" for name, how, size, depth in jobs())


def archive(guest):
    """What scripts/fio makes; it does if that is missing."""
    top = source_tree()
    if top:
        return quiet([top + "/scripts/fio", guest]).split("\n")[-2]
    found = glob.glob(os.path.join(cache_dir(), f"fio-{guest}-*.cpio"))
    if not found:
        raise BenchError(f"{cache_dir()} has no fio for {guest}: run "
                         f"scripts/fio {guest}, or set TRAPLINE_CACHE")
    return max(found, key=os.path.getmtime)


def output(log, where):
    """The bytes that fio wrote, from what came by the console."""
    text = log.decode(errors="replace").replace("\r", "")
    found = re.search(r"^fio: begin\n(.*)^fio: end \d+$", text, re.M | re.S)
    if not found:
        raise BenchError(f"{where}: fio did not end: " +
                         (last_lines(text) or "nothing was printed"))
    # The kernel may have said something between two lines.
    lines = re.findall(r"^[A-Za-z0-9+/]+=*$", found[1], re.M)
    try:
        return gzip.decompress(base64.b64decode("".join(lines)))
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise BenchError(f"{where}: what fio wrote did not come by the "
                         f"console unharmed ({error})") from error


def add_jobs(measures, text, ios, icount, where):
    """What its json+ says of each job to @measures {name: (unit, better,
    samples)}; anything but @ios requests without an error ends it."""
    nanoseconds, per_second = ("instructions", "/Ginstr") \
        if icount else ("ns", "/s")

    def add(what, unit, better, value):
        measures.setdefault(what, (unit, better, []))[2].append(value)

    # What fio has to complain of precedes it.
    at = max(0, text.find(b"{"))
    said = text[:at].decode(errors="replace").split("\n")[0][:200]
    try:
        data = json.loads(text[at:])
        found = {job["jobname"]: job for job in data["jobs"]}
    except (ValueError, KeyError, TypeError) as error:
        raise BenchError(f"{where}: not fio's json+: " +
                         (text.decode(errors="replace").strip()
                          .split("\n")[0][:200] or "nothing")) from error
    for name, how, *_ in jobs():
        if name not in found:
            raise BenchError(f"{where}: fio did not run {name}")
        job = found[name]
        try:
            side = job["write" if "write" in how else "read"]
            error, done = job["error"], side["total_ios"]
            latency = side["lat_ns"]["percentile"] if done else {}
            if error:
                raise BenchError(f"{where}: {name}: error {error} "
                                 f"({os.strerror(error)}); fio says: {said}")
            if done != ios or side["short_ios"] or side["drop_ios"]:
                raise BenchError(
                    f"{where}: {name}: {done} requests instead of {ios}, "
                    f"{side['short_ios']} of them short, "
                    f"{side['drop_ios']} dropped")
            add(f"{name}/iops", "requests" + per_second, "higher", side["iops"])
            add(f"{name}/bandwidth", "MiB" + per_second, "higher",
                round(side["bw_bytes"] / 2**20, 3))
            add(f"{name}/latency", nanoseconds, "lower", latency["50.000000"])
            add(f"{name}/latency-99", nanoseconds, "lower", latency["99.000000"])
        except (KeyError, TypeError) as error:
            raise BenchError(f"{where}: {name}: fio's json+ has no {error}") \
                from error
