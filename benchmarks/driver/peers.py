# SPDX-License-Identifier: GPL-2.0-only
"""The same guest under trapline and under what it is compared with: the command
lines, and the order A B A B."""
import os
import shlex

import plans
from common import BenchError
from host import QEMU_IN_HOST

quote = shlex.quote

# For a template without places: what kvmtool's lkvm calls things.  Without
# -n mode=none it brings a network device; its default is PCI.  The other two give
# a seed, and a kernel without one has neither KASLR nor the page table isolation
# that Linux turns on with it.
LKVM = " -k {kernel} -m {mem} -c {cpus} --virtio-transport mmio"
LKVM_LINUX = " -i {initrd} -p {append} --kaslr-seed 20010917"
LKVM_PAYLOAD = " --rng --nodefaults"


def copied(peer, host):
    """The path of a peer's program if a nested host is to get a copy of it,
    else None."""
    path = program_of(peer)
    return path if host.nested and "/" in path and os.path.isfile(path) \
        else None


def needs_extras(args, host):
    """A nested host has QEMU only in its larger root."""
    return host.nested and not all(copied(peer, host) for peer in args.vs)


def program_of(peer):
    return (peer.split() or [""])[0]


def name_of(peer):
    return program_of(peer).rsplit("/", 1)[-1]


def files(args, host):
    """Programs for Host.run() that a nested host gets."""
    found = {}
    for peer in args.vs:
        path = copied(peer, host)
        if not path:
            continue
        known = plans.elf(path)
        # KVM on arm64 serves no 32-bit programs.
        if known and known[0] != host.programs:
            raise BenchError(f"--vs {peer!r}: {path} is a program for "
                             f"{known[0]}, and the host is {host.kind}", 2)
        if not os.access(path, os.R_OK):
            raise BenchError(f"--vs {peer!r}: {path} cannot be read", 2)
        found["vs-" + name_of(peer)] = path
    return found


def ready(args, host):
    """Lines of shell for where those files are: make them programs, and end
    with one line if there is no such command as a peer's."""
    lines = []
    for peer in args.vs:
        word = QEMU_IN_HOST if peer == "qemu" else \
            program_in_host(peer, host)
        path = copied(peer, host)
        loader = (plans.elf(path) or (None, None))[1] if path else None
        if path:
            lines.append(f"chmod +x {quote(word)}")
        if loader:
            lines.append(f"[ -e {quote(loader)} ] || {{ echo " + quote(
                f"--vs {peer}: it is dynamically linked, and the host has no "
                f"{loader}: link it with -static") + "; exit 3; }")
        lines.append(f"command -v {quote(word)} >/dev/null || {{ echo " +
                     quote(f"--vs {peer}: the host has no command {word}") +
                     "; exit 3; }")
    return "\n".join(lines)


def program_in_host(peer, host):
    path = program_of(peer)
    if copied(peer, host):
        return "./vs-" + name_of(peer)
    if "/" in path and not host.nested:
        return os.path.abspath(path)
    if "/" in path and not os.path.isabs(path):
        raise BenchError(f"--vs {peer!r}: there is no file {path} here", 2)
    return path


def commands(args, host, payload=None, width="64", kernel=None, initrd=None,
             append="", mem=256, cpus=None, net=False, disk=None, name=None):
    """{who: shell command} of the same machine: a bare-metal @payload or a
    Linux @kernel and @initrd."""
    cpus = cpus or (2 if payload else 1)
    what = dict(kernel=payload or kernel, initrd=initrd, append=append,
                mem=mem, cpus=cpus, width=width, net=net, disk=disk,
                payload=payload, name=name)
    result = {"trapline": trapline(**what)}
    for peer in args.vs:
        who = name_of(peer)
        if not who or who in result:
            raise BenchError(f"--vs {peer!r}: no name of its own", 2)
        result[who] = qemu(**what) if peer == "qemu" else \
            template(peer, host, **what)
        # See pins().
        if width == "32" and not payload and host.nested:
            result[who] = "taskset 1 " + result[who]
    return result


def terminal(who):
    """The option of group for those: lkvm takes input from a terminal only."""
    return "" if who in ("trapline", "qemu") else "-p"


def pins(count, host):
    """Lines of shell for $PIN0 and so on: in QEMU a 32-bit vCPU wants a
    processor of its own (docs/testing.md)."""
    return "cpus=$(grep -c ^processor /proc/cpuinfo)\n" + "".join(
        f"export PIN{i}=\"--cpu-pin 0=$(({i} % cpus))\"\n"
        if host.nested else f"export PIN{i}=\n" for i in range(count))


def trapline(kernel, initrd, append, mem, cpus, width, net, disk, payload,
             name):
    line = f"trapline run -m {mem} -c {cpus} -k {quote(kernel)}"
    if payload:
        line += " --rng" + (" --aarch32" if width == "32" else "")
    else:
        line += f" -i {quote(initrd)} -p {quote(append)}"
        if width == "32":
            line += " $PIN0"
    if name:
        line += f" --name {name}"
    if net:
        line += " -n tap,tapif=" + net
    if disk:
        line += f" -d {quote(disk)}"
    return line


def qemu(kernel, initrd, append, mem, cpus, width, net, disk, payload, name):
    cpu = "host,aarch64=off" if width == "32" else "host"
    line = f"{QEMU_IN_HOST} -M virt,gic-version=host -accel kvm -cpu {cpu} " \
           f"-smp {cpus} -m {mem} -display none -nodefaults -no-reboot " \
           "-serial stdio -global virtio-mmio.force-legacy=false " \
           f"-kernel {quote(kernel)}"
    if payload:
        line += " -device virtio-rng-device"
    else:
        line += f" -initrd {quote(initrd)} -append " + \
            quote("console=ttyAMA0 " + append)
    if name:
        line += f" -name {name}"
    if net:
        line += f" -netdev tap,id=n,ifname={net},script=no,downscript=no " \
                "-device virtio-net-device,netdev=n"
    if disk:
        line += f" -drive if=none,id=d,format=raw,cache=writeback,file={disk} " \
                "-device virtio-blk-device,drive=d"
    return line


def template(peer, host, kernel, initrd, append, mem, cpus, width, net, disk,
             payload, **_):
    """A command line of the user's, with {kernel} and so on in it or not."""
    values = dict(kernel=quote(kernel), initrd=quote(initrd or ""),
                  append=quote(append), mem=mem, cpus=cpus, width=width,
                  net=quote(net or ""), disk=quote(disk or ""))
    line = quote(program_in_host(peer, host)) + \
        peer.lstrip()[len(program_of(peer)):].rstrip()
    if "{" not in peer:
        line += LKVM + (LKVM_PAYLOAD if payload else LKVM_LINUX)
        if width == "32" and host.kind == "arm64":
            line += " --aarch32"
        line += " -n mode=tap,tapif={net}" if net else " -n mode=none"
        line += " -d {disk}" if disk else ""
    try:
        return line.format(**values)
    except (KeyError, IndexError, ValueError) as error:
        raise BenchError(f"--vs {peer!r}: {{kernel}}, {{initrd}}, {{append}}, "
                         "{mem}, {cpus}, {width}, {net} and {disk} can be in "
                         f"it ({error})", 2) from error
