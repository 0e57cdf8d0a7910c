# SPDX-License-Identifier: GPL-2.0-only
"""The same guest under trapline and under what it is compared with: the command
lines, and the order A B A B."""
import shlex

from common import BenchError
from host import QEMU_IN_HOST

quote = shlex.quote

# For a template without places: what lkvm calls things.
LKVM = " -k {kernel} -i {initrd} -p {append} -m {mem} -c {cpus}"
LKVM_PAYLOAD = " -k {kernel} -m {mem} -c {cpus}"


def needs_extras(args, host):
    """A nested host has QEMU only in its larger root."""
    return host.nested and bool(args.vs)


def name_of(peer):
    words = peer.split()
    return words[0].rsplit("/", 1)[-1] if words else ""


def commands(args, payload=None, width="64", kernel=None, initrd=None,
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
            template(peer, **what)
    return result


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
        if width == "32":
            line = "taskset 1 " + line
    if name:
        line += f" -name {name}"
    if net:
        line += f" -netdev tap,id=n,ifname={net},script=no,downscript=no " \
                "-device virtio-net-device,netdev=n"
    if disk:
        line += f" -drive if=none,id=d,format=raw,cache=writeback,file={disk} " \
                "-device virtio-blk-device,drive=d"
    return line


def template(peer, kernel, initrd, append, mem, cpus, net, disk, payload, **_):
    """A command line of the user's, with {kernel} and so on in it or not."""
    values = dict(kernel=quote(kernel), initrd=quote(initrd or ""),
                  append=quote(append), mem=mem, cpus=cpus,
                  net=quote(net or ""), disk=quote(disk or ""))
    if "{" not in peer:
        peer += LKVM_PAYLOAD if payload else LKVM
        peer += " -d {disk}" if disk else ""
        peer += " -n mode=tap,tapif={net}" if net else ""
    try:
        return peer.format(**values)
    except (KeyError, IndexError, ValueError) as error:
        raise BenchError(f"--vs {peer!r}: {{kernel}}, {{initrd}}, {{append}}, "
                         "{mem}, {cpus}, {net} and {disk} can be in it "
                         f"({error})", 2) from error
