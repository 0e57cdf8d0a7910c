# SPDX-License-Identifier: GPL-2.0-only
"""What a guest runs: trapline's own programs, or the user's MiBench."""
import os
import struct

from common import BenchError, HERE, say

OWN = ["adpcm", "gsm", "crc32", "fft", "jpeg"]
KERNEL = ["syscall", "fork", "touch", "sched"]

# MiBench 1.0's own paths and command lines: folder, then standard input, output
# and words of each process, of its runme_small.sh; @ is small or large.
ORIGINAL = {
    "adpcm": ("telecomm/adpcm", [
        ("data/@.pcm", "output_@.adpcm", ["bin/rawcaudio"]),
        ("data/@.adpcm", "output_@.pcm", ["bin/rawdaudio"])]),
    "gsm": ("telecomm/gsm", [
        ("-", "output_@.encode.gsm", ["bin/toast", "-fps", "-c",
                                      "data/@.au"]),
        ("-", "output_@.decode.run", ["bin/untoast", "-fps", "-c",
                                      "data/@.au.run.gsm"])]),
    "CRC32": ("telecomm/CRC32", [
        ("-", "output_@.txt", ["crc", "../adpcm/data/@.pcm"])]),
    "FFT": ("telecomm/FFT", None),
    "jpeg": ("consumer/jpeg", [
        ("-", "-", ["jpeg-6a/cjpeg", "-dct", "int", "-progressive", "-opt",
                    "-outfile", "output_@_encode.jpeg", "input_@.ppm"]),
        ("-", "-", ["jpeg-6a/djpeg", "-dct", "int", "-ppm", "-outfile",
                    "output_@_decode.ppm", "input_@.jpg"])]),
}
FFT_RUNS = {"small": (["fft", "4", "4096"], ["fft", "4", "8192", "-i"]),
            "large": (["fft", "8", "32768"], ["fft", "8", "32768", "-i"])}

ELF_MACHINES = {3: "i386", 40: "armhf", 62: "x86_64", 183: "arm64"}


def own(size, names):
    """The plan with those benchmarks, as text."""
    known = OWN if size in ("small", "large") else KERNEL
    for name in names or ():
        if name not in known:
            raise BenchError(f"--only {name}: one of {', '.join(known)}", 2)
    path = os.path.join(os.path.dirname(HERE), "mibench", "plan-" + size)
    if not os.path.exists(path):
        path = os.path.join(HERE, "plan-" + size)
    with open(path, encoding="utf8") as file:
        return file.read(), names or known


def elf(path):
    """(machine, needs a loader or None); None if it is no ELF program."""
    try:
        with open(path, "rb") as file:
            data = file.read(4096)
    except OSError:
        return None
    if data[:4] != b"\x7fELF" or len(data) < 64 or data[5] != 1:
        return None
    machine = struct.unpack_from("<H", data, 18)[0]
    wide = data[4] == 2
    at, = struct.unpack_from("<Q" if wide else "<I", data, 32 if wide else 28)
    size, count = struct.unpack_from("<HH", data, 54 if wide else 42)
    loader = None
    for i in range(count):
        entry = at + i * size
        if entry + size > len(data) or size < 32:
            break
        if struct.unpack_from("<I", data, entry)[0] == 3:
            off, = struct.unpack_from("<Q" if wide else "<I", data,
                                      entry + (8 if wide else 4))
            loader = data[off:off + 256].split(b"\0")[0].decode(
                errors="replace")
    return ELF_MACHINES.get(machine, f"machine {machine}"), loader


def runs_of(name, size):
    folder, runs = ORIGINAL[name]
    if name == "FFT":
        runs = [("-", out, words) for out, words in
                zip(("output_@.txt", "output_@.inv.txt"), FFT_RUNS[size])]
    filled = [(i.replace("@", size), o.replace("@", size),
               [w.replace("@", size) for w in words]) for i, o, words in runs]
    return folder, filled


def original(root, size, names, guest):
    """(plan, names, files) of what is there of MiBench in @root: what is not is
    named and left out, and so is what @guest cannot run."""
    if not os.path.isdir(root):
        raise BenchError(f"--mibench {root}: no such directory", 2)
    for name in names or ():
        if name not in ORIGINAL:
            raise BenchError(f"--only {name}: one of {', '.join(ORIGINAL)}", 2)
    text, there, files = ["# The MiBench in a folder of the user's."], [], {}
    for name in names or ORIGINAL:
        folder, runs = runs_of(name, size)
        reason, wanted = check(root, folder, runs, guest)
        if reason:
            say(f"MiBench's {name} is left out: {reason}")
            continue
        there.append(name)
        files.update(wanted)
        text += [f"bench {name}", f"cd tree/{folder}"]
        outputs = []
        for given, output, words in runs:
            text.append(" ".join(["run", given, output, "./" + words[0]] +
                                 words[1:]))
            if output != "-":
                outputs.append(output)
            if "-outfile" in words:
                outputs.append(words[words.index("-outfile") + 1])
        text += ["digest ? " + " ".join(outputs),
                 "remove " + " ".join(outputs)]
    if not there:
        raise BenchError(f"--mibench {root}: none of its programs can be run "
                         f"({', '.join(names or ORIGINAL)})")
    return "\n".join(text) + "\n", there, files


def check(root, folder, runs, guest):
    """(why it cannot be run or None, {path below root: its full path})."""
    wanted = {}
    for given, _, words in runs:
        inputs = [w for w in [given] + words[1:] if is_input(w, words)]
        for path in [words[0]] + inputs:
            below = os.path.normpath(os.path.join(folder, path))
            full = os.path.join(root, below)
            if not os.path.isfile(full):
                return f"{full} is missing", {}
            wanted[below] = full
        binary = os.path.join(root, folder, words[0])
        kind = elf(binary)
        if not kind:
            return f"{binary} is no program (ELF)", {}
        if kind[0] != guest:
            return f"{binary} is for {kind[0]}, the guest is {guest}", {}
        if kind[1]:
            return f"{binary} is dynamically linked, and the guest has no " \
                   f"{kind[1]}: link it with -static", {}
    return None, wanted


def is_input(word, words):
    if word == "-" or word.startswith("-") or word.isdigit():
        return False
    if "-outfile" in words and word == words[words.index("-outfile") + 1]:
        return False
    return "." in word
