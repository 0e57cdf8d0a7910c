# SPDX-License-Identifier: GPL-2.0-only
"""Recordings of a 32-bit guest, and its kernel's image: see seed-analyse."""

import collections
import json
import lzma
import pathlib
import re
import subprocess
import sys
import tempfile
import zlib

EVENT = re.compile(
    r"(?P<time>\d+\.\d+): kvm_vcpu_exit: +vcpu: (?P<vcpu>\d+), nr: \d+, "
    r"(?P<kind>\w+): ec: (?P<ec>0x\w+) \(\w*\), esr: (?P<esr>0x\w+), "
    r"pc: (?P<pc>0x\w+), cpsr: \w+, far: \w+, ipa: (?P<ipa>0x\w+)")

# Exception classes of a 32-bit guest: ARM DDI 0406C, table B3-24.
CLASSES = {
    0x01: "WFI, WFE", 0x03: "CP15 register", 0x04: "CP15 register, 64-bit",
    0x05: "CP14 register", 0x07: "VFP, NEON", 0x08: "VFP ID register",
    0x0c: "CP14 register, 64-bit", 0x11: "SVC", 0x12: "HVC", 0x13: "SMC",
    0x20: "instruction abort", 0x24: "data abort",
}

# (opc1, CRn, CRm, opc2): ARM DDI 0406C, B3.17.1.
REGISTERS = {
    (0, 0, 0, 0): "MIDR", (0, 0, 0, 1): "CTR", (0, 0, 0, 2): "TCMTR",
    (0, 0, 0, 3): "TLBTR", (0, 0, 0, 5): "MPIDR", (0, 0, 0, 6): "REVIDR",
    (0, 0, 1, 0): "ID_PFR0", (0, 0, 1, 1): "ID_PFR1", (0, 0, 1, 2): "ID_DFR0",
    (0, 0, 1, 4): "ID_MMFR0", (0, 0, 1, 5): "ID_MMFR1",
    (0, 0, 1, 6): "ID_MMFR2", (0, 0, 1, 7): "ID_MMFR3",
    (0, 0, 2, 0): "ID_ISAR0", (0, 0, 2, 1): "ID_ISAR1",
    (0, 0, 2, 2): "ID_ISAR2", (0, 0, 2, 3): "ID_ISAR3",
    (0, 0, 2, 4): "ID_ISAR4", (0, 0, 2, 5): "ID_ISAR5",
    (1, 0, 0, 0): "CCSIDR", (1, 0, 0, 1): "CLIDR", (2, 0, 0, 0): "CSSELR",
    (0, 1, 0, 0): "SCTLR", (0, 1, 0, 1): "ACTLR", (0, 2, 0, 0): "TTBR0",
    (0, 2, 0, 1): "TTBR1", (0, 2, 0, 2): "TTBCR", (0, 3, 0, 0): "DACR",
    (0, 7, 6, 2): "DCISW", (0, 7, 10, 2): "DCCSW", (0, 7, 14, 2): "DCCISW",
    (1, 9, 0, 2): "L2CTLR", (0, 10, 2, 0): "PRRR", (0, 10, 2, 1): "NMRR",
    (0, 13, 0, 1): "CONTEXTIDR",
}

CP15_32 = 0x03
HVC = 0x12
ABORTS = (0x20, 0x24)
NEAR = 256  # bytes: a loop


# An arm64 host sees a banked register of a 32-bit guest under the number that
# AArch64 has for it: ARM DDI 0487, "Mapping of the general-purpose registers
# between the Execution states".
BANKED = {**{n: 14 - n % 2 for n in range(16, 24)},
          **{n: n - 16 for n in range(24, 29)}, 29: 13, 30: 14}


def cp15(esr):
    """A trapped MCR or MRC: the register's coordinates, Rt, is it a read."""
    rt = (esr >> 5) & 31
    return (((esr >> 14) & 7, (esr >> 10) & 15, (esr >> 1) & 15,
             (esr >> 17) & 7), BANKED.get(rt, rt), bool(esr & 1))


def register(esr):
    coord, _, _ = cp15(esr)
    opc1, crn, crm, opc2 = coord
    return REGISTERS.get(coord, f"p15, {opc1}, c{crn}, c{crm}, {opc2}")


def cp15_word(esr):
    """The A32 encoding of the trapped instruction, without its condition."""
    (opc1, crn, crm, opc2), rt, read = cp15(esr)
    return (0x0e000f10 | opc1 << 21 | read << 20 | crn << 16 | rt << 12 |
            opc2 << 5 | crm)


def times(base):
    """Seconds that trapline ran, and the guest's clock when it powered off."""
    start, end = pathlib.Path(f"{base}.time").read_text().split()
    stamps = re.findall(r"^\[ *(\d+\.\d+)\] reboot: Power down",
                        pathlib.Path(f"{base}.out").read_text(
                            errors="replace"), re.M)
    return float(end) - float(start), float(stamps[-1]) if stamps else None


class Run:
    """One recording."""

    def __init__(self, directory, name):
        base = pathlib.Path(directory) / name
        trace = f"{base}.dat"
        info = json.loads(pathlib.Path(f"{trace}.vm.json").read_text())
        self.stats = collections.Counter()
        for vcpu in info["vcpus"]:
            self.stats.update(vcpu["stats"])
        self.ram = info["memory"][0]["gpa"]
        self.devices = [(d["base"], d["base"] + d["size"],
                         re.sub(r"^virtio\d+-", "virtio-", d["name"]))
                        for d in info["devices"]]
        if base.with_suffix(".time").exists():
            self.host_s, self.guest_s = times(base)
        text = subprocess.run(["trace-cmd", "report", "-N", "-t", trace],
                              check=True, capture_output=True,
                              text=True).stdout
        self.text = text.splitlines()
        self.exits = [(float(m["time"]), m["kind"], int(m["ec"], 16),
                       int(m["esr"], 16), int(m["pc"], 16), int(m["ipa"], 16))
                      for m in EVENT.finditer(text)]
        self.traps = [e for e in self.exits if e[1] == "TRAP"]
        if (len(self.exits), len(self.traps)) != (self.stats["exits"],
                                                  self.stats["trap_exits"]):
            sys.exit(f"{trace}: {len(self.exits)} exits and {len(self.traps)} "
                     f"traps, but the kernel counted {self.stats['exits']} and "
                     f"{self.stats['trap_exits']}")

    def classes(self):
        return collections.Counter(CLASSES.get(e[2], hex(e[2]))
                                   for e in self.traps)

    def cause(self, exit_):
        """What an exit was for: the register, the device, else the class."""
        _, kind, ec, esr, _, ipa = exit_
        if kind != "TRAP":
            return {"IRQ": "interrupt for the host"}.get(kind, kind)
        if ec == CP15_32:
            return f"{register(esr)} {'read' if esr & 1 else 'write'}"
        if ec not in ABORTS:
            return CLASSES.get(ec, hex(ec))
        for base, end, name in self.devices:
            if base <= ipa < end:
                # ESR_ELx.WnR
                return f"{name} {'write' if esr & 1 << 6 else 'read'}"
        if ipa >= self.ram:
            return "fault on guest memory"
        return "address without a device"

    def causes(self):
        return collections.Counter(map(self.cause, self.exits))

    def sequences(self):
        """Traps in a row from NEAR bytes of code, without a fault: indices."""
        found, start = [], 0
        for i in range(len(self.traps) + 1):
            if (i < len(self.traps) and self.traps[i][2] not in ABORTS and
                    i > start and
                    abs(self.traps[i][4] - self.traps[i - 1][4]) < NEAR):
                continue
            if i - start > 1:
                found.append(range(start, i))
            start = i
            if i < len(self.traps) and self.traps[i][2] in ABORTS:
                start = i + 1
        return found

    def longest(self):
        return max(self.sequences(), key=len, default=range(0))

    def in_longest(self):
        """Seconds from the first trap of the longest run to the last."""
        longest = self.longest()
        if not longest:
            return 0.0
        return self.traps[longest[-1]][0] - self.traps[longest[0]][0]

    def before_clock(self):
        """Seconds from the first exit until the guest's clock starts.

        Linux sets up its timer, time_init(), right after its interrupt
        controller, init_IRQ(), and before any other device.
        """
        last = None
        for trap in self.traps:
            cause = self.cause(trap)
            if cause.startswith("gic-"):
                last = trap[0]
            elif last and trap[2] in ABORTS and trap[5] < self.ram:
                break
        return (last or self.exits[0][0]) - self.exits[0][0]


class Kernel:
    """The guest's kernel, decompressed; words of it by virtual address."""

    OFFSETS = (0x8000, 0x208000, 0x308000)

    def __init__(self, path, traps):
        self.data = self.unpack(pathlib.Path(path).read_bytes())
        wanted = {(e[4], e[3]) for e in traps
                  if e[2] == CP15_32 and e[4] >= 0xc0000000}
        self.base, self.matched, self.wanted = 0, 0, len(wanted)
        for offset in self.OFFSETS:
            self.base_try = 0xc0000000 + offset
            good = sum(self.word(pc, self.base_try) & 0x0fffffff ==
                       cp15_word(esr) for pc, esr in wanted)
            if good > self.matched:
                self.base, self.matched = self.base_try, good

    @staticmethod
    def unpack(raw):
        """A magic number may also be a constant of the decompressor's."""
        best = b""
        for magic, new in ((b"\xfd7zXZ\0", lzma.LZMADecompressor),
                           (b"\x1f\x8b\x08", lambda: zlib.decompressobj(31))):
            at = raw.find(magic)
            while at >= 0:
                try:
                    best = max(best, new().decompress(raw[at:]), key=len)
                except (lzma.LZMAError, zlib.error):
                    pass
                at = raw.find(magic, at + 1)
        if not best:
            sys.exit("the guest's kernel is compressed by neither xz nor gzip")
        return best

    def word(self, pc, base=None):
        at = pc - (base or self.base)
        return int.from_bytes(self.data[at:at + 4], "little")

    def has(self, pc):
        return self.base and 0 <= pc - self.base <= len(self.data) - 4

    def listing(self, places):
        """Disassembly around these PCs, by objdump."""
        start, end = min(places) - 8, max(places) + 48
        at = start - self.base
        with tempfile.NamedTemporaryFile(suffix=".bin") as file:
            file.write(self.data[at:at + end - start])
            file.flush()
            text = subprocess.run(
                ["arm-linux-gnueabihf-objdump", "-D", "-b", "binary", "-m",
                 "arm", f"--adjust-vma={start:#x}", file.name], check=True,
                capture_output=True, text=True).stdout
        lines = [line.replace("\t", "  ").rstrip() for line in
                 text.splitlines() if re.match(r"^ *[0-9a-f]+:\t", line)]
        marks = tuple(f"{pc:x}:" for pc in places)
        return [("-> " if line.strip().startswith(marks) else "   ") +
                line.strip() for line in lines]
