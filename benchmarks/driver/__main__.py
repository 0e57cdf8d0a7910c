# SPDX-License-Identifier: GPL-2.0-only
"""trapline bench: the command line, and the sweep over the cells."""
import argparse
import os
import signal
import sys
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
import exits
import fio
import mibench
import plot
import results
import slurm
from common import BenchError, Progress, output_dir, say, table
from host import Host
from peers import name_of
from suite import Suite
from system import System

KINDS = {"exits": exits, "mibench": mibench,
         **{name: System(name)
            for name in ("boot", "blk", "net", "memory", "density")},
         "fio": fio.Fio()}
KINDS["all"] = Suite({name: KINDS[name] for name in
                      ("boot", "exits", "blk", "fio", "net", "memory")})
ABOUT = {"exits": "what each kind of exit costs",
         "mibench": "five programs on the host and in guests",
         "boot": "from the start of the VMM to init, and to its end",
         "blk": "a disk: random and sequential, read and written",
         "fio": "a disk by Debian's fio, at queue depths of 1 and 32",
         "net": "a network device: both ways, and one byte at a time",
         "memory": "what a VMM needs besides the guest's memory",
         "density": "guests that do nothing, several at a time",
         "all": "boot, exits, blk, fio, net and memory in one run"}


def numbers(text):
    try:
        values = [int(part) for part in text.split(",")]
    except ValueError:
        values = [0]
    if any(not 1 <= value <= 32 for value in values):
        raise argparse.ArgumentTypeError(f"{text}: numbers from 1 to 32, with "
                                         "commas between them")
    return values


def parser():
    top = argparse.ArgumentParser(
        prog="trapline bench", description="Measure what virtualization costs "
        "a program, what guests cost each other, and how trapline does beside "
        "what one would use instead.",
        epilog="See docs/benchmarks.md for how to read the results.")
    sub = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    common = argparse.ArgumentParser(add_help=False)
    add_common(common)
    for name, module in KINDS.items():
        one = sub.add_parser(name, parents=[common], help=ABOUT[name],
                             description=ABOUT[name])
        getattr(module, "options", lambda _: None)(one)
    one = sub.add_parser("compare", help="two files of results",
                         description="Print what changed from OLD to NEW. The "
                         "status is 1 if anything became worse beyond noise.")
    one.add_argument("old", metavar="OLD")
    one.add_argument("new", metavar="NEW")
    plot.options(sub.add_parser(
        "report", help="tables, pictures and pages of results",
        description="Print results as tables; make pictures and pages."))
    one.add_argument("--tolerance", type=float, default=0.02, metavar="X",
                     help="what is no regression in any case (0.02 is 2 %%)")
    return top


def add_common(common):
    common.add_argument("--output", metavar="FILE", help="where the results "
                        "go (build/bench/results/COMMAND.json)")
    common.add_argument("--resume", action="store_true",
                        help="keep the cells that FILE has")
    common.add_argument("--rounds", type=int, default=3, metavar="N",
                        help="how often each is measured (3)")
    common.add_argument("--vs", action="append", default=[], metavar="PEER",
                        help="also under PEER, in turns: qemu, or a command "
                        "line such as 'lkvm run' (repeatable)")
    common.add_argument("--widths", type=lambda text: text.split(","),
                        default=["64", "32"], metavar="64,32",
                        help="widths of the guests (both)")
    host = common.add_argument_group("the host, where this is no ARM machine")
    host.add_argument("--host", choices=["arm64", "arm"], default="arm64",
                      help="arm: a Cortex-A15 (with --kernel or --source)")
    host.add_argument("--kernel", metavar="FILE",
                      help="its kernel (what scripts/nested-host takes; "
                      "$HOST_KERNEL, or $HOST32_KERNEL for arm)")
    host.add_argument("--source", metavar="DIR", help="build it from there")
    host.add_argument("--cpu", metavar="MODEL", help="its processor")
    host.add_argument("--gic", type=int, choices=[2, 3], default=2)
    host.add_argument("--smp", type=int, metavar="N", help="its processors")
    host.add_argument("--icount", action="store_true", help="count "
                      "instructions instead of time: the same every time")
    host.add_argument("--timeout", type=int, default=1800, metavar="S",
                      help="for a cell (1800)")
    slurm.options(common)
    common.add_argument("--cell", metavar="KEY", help=argparse.SUPPRESS)


def check(args):
    for width in args.widths:
        if width not in ("64", "32"):
            raise BenchError(f"--widths {width}: 64, 32 or both", 2)
    number = "32" if args.host == "arm" else ""
    if number:
        args.widths = ["32"]
    if not args.kernel and not args.source:
        args.kernel = os.environ.get(f"HOST{number}_KERNEL")
    if not 1 <= args.rounds <= 1000:
        raise BenchError(f"--rounds {args.rounds}: from 1 to 1000", 2)


def options_of(args):
    """What makes results other results; not where they go."""
    skip = ("output", "resume", "cell", "timeout", "engine", "command",
            "kernel", "source", "mibench", "slurm_options",
            "slurm_retries")
    kept = {k: v for k, v in sorted(vars(args).items()) if k not in skip}
    # Where a program is does not matter to anybody else.
    kept["vs"] = [" ".join([name_of(peer)] + peer.split()[1:])
                  for peer in args.vs]
    return kept


def start_results(args, host, path):
    data = results.new(args.command, host.describe())
    data["options"] = options_of(args)
    if args.resume and os.path.exists(path):
        old = results.load(path)
        if old.get("options") != data["options"]:
            different = [k for k in data["options"]
                         if old.get("options", {}).get(k) !=
                         data["options"][k]]
            raise BenchError(f"{path} was made with another "
                             f"--{different[0] if different else 'set of '}"
                             ": --resume wants the same options", 2)
        if old.get("git") != data["git"]:
            say(f"{path} was begun at {old.get('git')}, this is "
                f"{data['git']}: its cells are kept")
        return old
    return data


def run_cell(module, key, args, host, path):
    """What a cell leaves for inspection is beside the results, so that two
    sweeps do not meet."""
    keep = os.path.join(os.path.abspath(path).removesuffix(".json") + ".cells",
                        key.replace("/", "-"))
    rows, detail = module.run(key, args, host, keep)
    return {"rows": rows, "detail": detail}


def sweep(args):
    module = KINDS[args.command]
    check(args)
    host = Host(args)
    guesses = module.cells(args)
    path = args.output or os.path.join(output_dir(), "bench", "results",
                                       args.command + ".json")
    data = start_results(args, host, path)
    todo = {k: v for k, v in guesses.items() if k not in data["cells"]}
    failed = []
    if args.cell:
        if args.cell not in guesses:
            raise BenchError(f"--cell {args.cell}: no such cell", 2)
        data["cells"] = {args.cell: run_cell(module, args.cell, args, host,
                                            path)}
        results.save(data, path)
        return 0
    if todo:
        say("building what is missing")
        host.prepare(getattr(module, "guests", lambda _: ())(args),
                     bool(args.vs))
    try:
        failed = measure(todo, module, args, host, data, path)
    except KeyboardInterrupt:
        say(f"interrupted: {len(data['cells'])} of {len(guesses)} cells are in "
            f"{path}; --resume continues")
        return 130
    report(module, data)
    print(f"\n{len(data['cells'])} cells in {path}")
    if failed:
        say(f"{len(failed)} failed: {' '.join(failed)}")
    return 1 if failed else 0


def measure(todo, module, args, host, data, path):
    """Those cells into @data and the file @path; which failed."""
    if args.engine == "slurm" and todo:
        return slurm.run(todo, args, data, path)
    failed = []
    progress = Progress(todo)
    for key in todo:
        progress.begin(key)
        try:
            data["cells"][key] = run_cell(module, key, args, host, path)
        except BenchError as error:
            say(f"{key} failed: {error}")
            failed.append(key)
        else:
            results.save(data, path)
        progress.done(key)
    return failed


def report(module, data):
    if hasattr(module, "report"):
        module.report(data)
    else:
        print(table(results.summary(data), results.SUMMARY_HEADER))
        for line in results.differences(data):
            print(line)


def main():
    args = parser().parse_args()
    try:
        if args.command == "compare":
            return 1 if results.compare(args.old, args.new,
                                        args.tolerance) else 0
        if args.command == "report":
            return plot.run(args)
        return sweep(args)
    except BenchError as error:
        say(str(error))
        return error.status
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 141
    except OSError as error:
        say(str(error))
        if os.environ.get("TRAPLINE_DEBUG"):
            traceback.print_exc()
        return 1


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main())
