# SPDX-License-Identifier: GPL-2.0-only
"""--engine slurm: the cells as a job array, each wherever Slurm puts it.

The driver, the programs and the results are on a file system that the nodes
share.  A task runs this same command line with --cell; what it measured is in
DIR/N.json, the end of what it said in DIR/N.log.  A cell without a file is run
again, --slurm-retries times, and then reported.
"""
import os
import shlex
import shutil
import subprocess
import sys
import time

import results
from common import HERE, BenchError, need, say

# What a task starts, with Python.
DRIVER = HERE
POLL = 2


def options(common):
    group = common.add_argument_group("more than one machine")
    group.add_argument("--engine", choices=["local", "slurm"], default="local",
                       help="slurm: the cells as a job array, on nodes that "
                       "share this file system (local)")
    group.add_argument("--slurm-options", default="", metavar="OPTIONS",
                       help="for sbatch, such as '--partition=arm "
                       "--constraint=kvm'")
    group.add_argument("--slurm-retries", type=int, default=1, metavar="N",
                       help="how often a failed cell is run again (1)")


def command(words):
    """Its output; what Slurm says if it fails."""
    done = subprocess.run(words, stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          check=False)
    if done.returncode:
        why = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise BenchError(f"{words[0]}: {why[-1] if why else 'failed'}")
    return done.stdout


def own_arguments():
    """Ours, less those that are about the whole sweep."""
    drop = {"--engine": 1, "--slurm-options": 1, "--slurm-retries": 1,
            "--output": 1, "--resume": 0}
    kept, skip = [], 0
    for word in sys.argv[1:]:
        if skip:
            skip -= 1
        elif word.split("=")[0] in drop:
            skip = 0 if "=" in word else drop[word.split("=")[0]]
        else:
            kept.append(word)
    return kept


def script(keys, folder):
    """One task of the array."""
    driver = [sys.executable, DRIVER, *own_arguments()]
    lines = ["#!/bin/sh", "case $SLURM_ARRAY_TASK_ID in"]
    for number, key in keys.items():
        lines.append(f"{number}) key={shlex.quote(key)} ;;")
    return "\n".join(lines + [
        "*) exit 2 ;;", "esac",
        f"cd {shlex.quote(os.getcwd())} || exit 1",
        f"hostname >{shlex.quote(folder)}/$SLURM_ARRAY_TASK_ID.node",
        "[ -z \"${SLURMD_NODENAME-}\" ] || echo \"$SLURMD_NODENAME\" "
        f">{shlex.quote(folder)}/$SLURM_ARRAY_TASK_ID.node",
        f"exec {' '.join(shlex.quote(w) for w in driver)} --cell \"$key\" "
        f"--output {shlex.quote(folder)}/$SLURM_ARRAY_TASK_ID.json", ""])


def submit(keys, folder, args):
    """The job's number."""
    path = os.path.join(folder, "job")
    with open(path, "w", encoding="utf8") as file:
        file.write(script(keys, folder))
    array = ",".join(str(n) for n in keys)
    out = command(["sbatch", "--parsable", "--job-name=trapline-bench",
                   f"--array={array}", f"--output={folder}/%a.log",
                   "--open-mode=truncate", *shlex.split(args.slurm_options),
                   path])
    return out.strip().split(";")[0]


def unfinished(job):
    """The tasks that Slurm still has to run or runs, by their numbers."""
    out = subprocess.run(["squeue", "-h", "-r", "-j", job, "-o", "%K %T"],
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         text=True, check=False)
    if out.returncode:
        # Slurm forgets a job some minutes after its end.
        if "Invalid job id" in out.stderr:
            return set()
        raise BenchError(f"squeue: {out.stderr.strip()}")
    return {int(line.split()[0]) for line in out.stdout.splitlines()
            if line.split() and line.split()[0].isdigit()}


def content(folder, name):
    try:
        with open(os.path.join(folder, name), errors="replace",
                  encoding="utf8") as file:
            return file.read().strip()
    except OSError:
        return ""


def take(number, key, folder, data):
    """One task's cell into @data: None, or why not."""
    path = os.path.join(folder, f"{number}.json")
    node = content(folder, f"{number}.node") or "no node"
    try:
        one = results.load(path)
        cell = one["cells"][key]
    except (BenchError, KeyError):
        last = content(folder, f"{number}.log").splitlines()[-1:]
        return f"on {node}: {last[0] if last else 'it said nothing'}"
    cell["node"], cell["host"] = node, one["host"]
    if not data["cells"]:
        data["host"] = one["host"]
    elif data["host"] != one["host"]:
        say(f"{key} is from another kind of host ({node}) than the first cell: "
            "do not compare the two")
    data["cells"][key] = cell
    return None


def run(todo, args, data, path):
    """Measure the cells @todo; the list of those that failed."""
    for tool in ("sbatch", "squeue", "scancel"):
        need(tool, "slurm-client")
    folder = os.path.abspath(path) + ".tasks"
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    keys = dict(enumerate(todo))
    job = None
    try:
        for turn in range(args.slurm_retries + 1):
            job = submit(keys, folder, args)
            say(f"job {job}: {len(keys)} cells, about "
                f"{max(todo[k] for k in keys.values()):.0f} s for the longest "
                "if all run at once")
            failed = follow(job, keys, folder, data, path)
            job = None
            for number, why in failed.items():
                again = "again" if turn < args.slurm_retries else "given up"
                say(f"{keys[number]} failed {why}; {again}")
            keys = {n: keys[n] for n in failed}
            if not keys:
                break
    finally:
        if job:
            subprocess.run(["scancel", job], check=False)
    if not keys:
        shutil.rmtree(folder, ignore_errors=True)
    return list(keys.values())


def follow(job, keys, folder, data, path):
    """Take each cell when it is there; {number: why} of those that failed."""
    failed, open_ones = {}, dict(keys)
    began = time.monotonic()
    while open_ones:
        time.sleep(POLL)
        there = unfinished(job)
        for number in [n for n in open_ones if n not in there]:
            why = take(number, open_ones.pop(number), folder, data)
            if why:
                failed[number] = why
                continue
            results.save(data, path)
            done = len(keys) - len(open_ones) - len(failed)
            gone = time.monotonic() - began
            rest = gone / done * len(open_ones)
            say(f"[{done}/{len(keys)}] {keys[number]} on "
                f"{content(folder, f'{number}.node')}, {gone:.0f} s gone" +
                (f", about {rest:.0f} s to go" if open_ones else ""))
    return failed
