# SPDX-License-Identifier: GPL-2.0-only
"""Where guests run: this machine, if it is ARM with KVM, or an ARM host in QEMU
on it.  Either way a benchmark is a shell script that finds its files in the
directory that it starts in and leaves its results there."""
import gzip
import os
import platform
import re
import shutil
import signal
import subprocess
import tempfile

from common import BenchError, last_lines, output_dir, program, source_tree

QEMU_IN_HOST = "qemu-system-aarch64"


def kvm_here():
    return platform.machine() in ("aarch64", "armv7l", "armv8l") and \
        os.access("/dev/kvm", os.R_OK | os.W_OK)


class Host:
    """What the options of the command line say about it."""

    def __init__(self, args):
        self.icount = args.icount
        self.kernel = args.kernel
        self.source = args.source
        self.arch = args.host
        self.cpu = args.cpu
        self.gic = args.gic
        self.smp = args.smp
        self.limit = args.timeout
        self.nested = not kvm_here()
        # Of what VMMs run on, and Debian's word for its programs.
        self.kind = self.arch if self.nested else \
            "arm64" if platform.machine() == "aarch64" else "arm"
        self.programs = "armhf" if self.kind == "arm" else "arm64"
        if self.icount and not self.nested:
            raise BenchError("--icount is for a host in QEMU", 2)
        if self.nested and not source_tree() and args.engine == "local":
            raise BenchError("this is no ARM machine with a usable /dev/kvm, "
                             "and the scripts that emulate one are in "
                             "trapline's source tree: run it there", 3)

    def describe(self):
        """For the results: what was measured on."""
        about = {"machine": platform.machine(), "nested": self.nested}
        if self.nested:
            about.update(
                host=self.arch, icount=self.icount,
                kernel=kernel_name(self.kernel), gic=self.gic,
                qemu=first_line(["qemu-system-arm" if self.arch == "arm" else
                                 "qemu-system-aarch64", "--version"]))
        else:
            about["kernel"] = platform.release()
        return about

    def prepare(self, guests=(), extras=False):
        """Build what a run needs; the guest kernels @guests."""
        top = source_tree()
        if not top:
            return
        make = ["make", "--no-print-directory", "-s", "-C", top,
                "O=" + output_dir()]
        quiet(make + ["bench-programs"])
        # scripts/nested-host builds trapline for its host itself.
        if self.nested:
            extra = ["--extras"] if extras else []
            quiet([top + "/scripts/rootfs", *extra,
                   self.programs])
        else:
            quiet(make + ["all"])
        for guest in guests:
            quiet([top + "/scripts/guest", guest])

    def run(self, script, files, keep, smp=2, extras=False):
        """Run @script where the files {name: path or bytes} are; the results
        are left in the new directory @keep."""
        os.makedirs(os.path.dirname(keep), exist_ok=True)
        shutil.rmtree(keep, ignore_errors=True)
        os.mkdir(keep)
        for name, path in files.items():
            to = os.path.join(keep, name)
            if isinstance(path, bytes):
                with open(to, "wb") as out:
                    out.write(path)
            else:
                shutil.copy(path, to)
        with open(os.path.join(keep, "script"), "w", encoding="utf8") as out:
            out.write("set -eu\n" + script)
        command, env = self.command(keep, smp, extras)
        with open(os.path.join(keep, "log"), "wb") as log:
            status = wait_for(command, env, keep, log)
        for name in files:
            os.unlink(os.path.join(keep, name))
        if status:
            said = last_lines(read(os.path.join(keep, "log")), 2)
            raise BenchError(f"{os.path.basename(keep)}: the host ended with "
                             f"status {status}: {said} "
                             f"(all of it is in {keep}/log)")

    def inner_limit(self):
        """Seconds of the host's own clock, which with --icount runs ahead
        whenever the host waits for something outside."""
        return 10**6 if self.icount else max(30, self.limit - 20)

    def command(self, keep, smp, extras):
        env = dict(os.environ, LC_ALL="C")
        if not self.nested:
            env["PATH"] = f"{output_dir()}/{self.kind}:{env['PATH']}"
            return ["timeout", str(self.limit), "sh", "script"], env
        command = [source_tree() + "/scripts/nested-host", "--arch",
                   self.arch, "--gic", str(self.gic), "--share", keep,
                   "--timeout", str(self.limit)]
        if self.kernel:
            command += ["--kernel", self.kernel]
        if self.source:
            command += ["--source", self.source]
        if self.cpu:
            command += ["--cpu", self.cpu]
        if self.icount:
            command += ["--icount"]
        else:
            command += ["--smp", str(self.smp or smp)]
        if extras:
            command += ["--extras"]
        env["O"] = output_dir()
        return command + ["--", "sh", "script"], env


def kernel_name(path):
    """The version in an Image, else the file's name."""
    if not path:
        return "patched"
    with open(path, "rb") as file:
        found = re.search(rb"Linux version ([0-9][\x21-\x7e]*)", file.read())
    return found[1].decode() if found else os.path.basename(path)


def wait_for(command, env, cwd, log):
    """Its status; what it started ends with us."""
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log,
                             stderr=subprocess.STDOUT, env=env, cwd=cwd,
                             start_new_session=True)
    try:
        return child.wait()
    except BaseException:
        os.killpg(child.pid, signal.SIGTERM)
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
        raise


def quiet(command):
    """Run it and return what it printed, which is shown if it fails."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env=dict(os.environ, O=output_dir()),
                          text=True, errors="replace", check=False)
    if done.returncode:
        raise BenchError(f"{' '.join(command)}: {last_lines(done.stdout)}")
    return done.stdout


def first_line(command):
    try:
        out = subprocess.run(command, stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return (out.stdout.splitlines() or [None])[0]


def revision():
    top = source_tree()
    return first_line(["git", "-C", top, "describe", "--always", "--dirty"]) \
        if top else None


def cache_dir():
    return os.environ.get("TRAPLINE_CACHE",
                          os.path.join(output_dir(), "cache"))


def guest_file(guest, name):
    path = os.path.join(cache_dir(), "guest-" + guest, name)
    if not os.path.exists(path):
        raise BenchError(f"{path} is missing: run scripts/guest {guest}, or "
                         "set TRAPLINE_CACHE")
    return path


def initrd(guest, files):
    """The guest's initramfs with @files {path: (mode, bytes)} in it."""
    with open(guest_file(guest, "initrd.gz"), "rb") as base:
        return base.read() + gzip.compress(newc(files), mtime=0)


def newc(files):
    """A cpio archive ("newc") with the directories that the files need."""
    entries, seen = [], set()
    for path, (mode, data) in sorted(files.items()):
        parts = path.split("/")
        for i in range(1, len(parts)):
            folder = "/".join(parts[:i])
            if folder not in seen:
                seen.add(folder)
                entries.append((folder, 0o40755, b""))
        entries.append((path, 0o100000 | mode, data))
    entries.append(("TRAILER!!!", 0, b""))
    out = bytearray()
    for number, (name, mode, data) in enumerate(entries):
        raw = name.encode() + b"\0"
        fields = [number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(raw), 0]
        out += b"070701" + b"".join(b"%08x" % f for f in fields) + raw
        out += bytes(-len(out) % 4)
        out += data
        out += bytes(-len(out) % 4)
    return bytes(out)


def read(path):
    with open(path, "rb") as file:
        return file.read()


def programs(*kinds):
    """mibench and group for those kinds of machine, as files for run()."""
    files = {}
    for kind in kinds:
        for name in ("mibench", "group"):
            files[f"{name}.{kind}"] = program(f"bench/{kind}/{name}")
    return files


def scratch_dir():
    return tempfile.mkdtemp(prefix="trapline-bench-")
