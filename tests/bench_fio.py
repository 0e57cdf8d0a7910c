# SPDX-License-Identifier: GPL-2.0-only
"""Tests of trapline bench fio, for tests/bench-driver, which runs them."""
import argparse
import base64
import gzip
import json

from bench_base import Base, data

# pylint: disable=wrong-import-order
import common
import fio
import host
import plot


class Fio(Base):
    """What fio wrote, as it comes by a console."""

    def made(self, ios=64, **change):
        """Its json+, a member of the first job's changed."""
        found = []
        for number, (name, how, size, _) in enumerate(fio.jobs()):
            idle = {"total_ios": 0, "short_ios": 0, "drop_ios": 0}
            busy = {"total_ios": ios, "short_ios": 0, "drop_ios": 0,
                    "iops": 1000.5 + number, "bw_bytes": size * 1000,
                    "lat_ns": {"percentile": {"50.000000": 5000,
                                              "99.000000": 9000}}}
            if not number:
                busy.update({k: v for k, v in change.items() if k in busy})
            wrote = "write" in how
            found.append({"jobname": name, "error": 0 if number else
                          change.get("error", 0),
                          "read": idle if wrote else busy,
                          "write": busy if wrote else idle})
        return json.dumps({"fio version": "fio-3.33", "jobs": found}).encode()

    def console(self, text):
        return b"guest: up 6.1 x\r\nfio: begin\r\n" + \
            base64.encodebytes(gzip.compress(text)).replace(b"\n", b"\r\n") + \
            b"fio: end 0\r\nguest: status 0\r\n"

    def rows(self, text, icount=False, ios=64):
        measures = {}
        fio.add_jobs(measures, text, ios, icount, "here")
        return measures

    def wrong(self, pattern, text, **more):
        with self.assertRaisesRegex(common.BenchError, pattern) as caught:
            self.rows(text, **more)
        self.assertNotIn("\n", str(caught.exception))

    def test_measures(self):
        found = self.rows(self.made())
        self.assertEqual(len(found), 8 * 4)
        self.assertEqual(found["randread-4k-qd1/iops"],
                         ("requests/s", "higher", [1000.5]))
        self.assertEqual(found["write-64k-qd32/bandwidth"],
                         ("MiB/s", "higher", [62.5]))
        self.assertEqual(found["randwrite-4k-qd32/latency-99"],
                         ("ns", "lower", [9000]))
        found = self.rows(self.made(), icount=True)
        self.assertEqual(found["read-64k-qd1/latency"],
                         ("instructions", "lower", [5000]))

    def test_rounds_are_samples(self):
        measures = {}
        for _ in range(2):
            fio.add_jobs(measures, self.made(), 64, True, "here")
        self.assertEqual(measures["read-64k-qd1/latency"][2], [5000, 5000])

    def test_what_fio_says_before_it(self):
        self.assertEqual(self.rows(b"fio: a warning\n" + self.made()),
                         self.rows(self.made()))

    def test_too_few_or_too_many_requests(self):
        self.wrong("here: randread-4k-qd1: 63 requests instead of 64",
                   self.made(total_ios=63))
        self.wrong("65 requests instead of 64", self.made(total_ios=65))
        self.wrong("0 requests instead of 64", self.made(total_ios=0))
        self.wrong("64 requests instead of 32", self.made(), ios=32)
        self.wrong("2 of them short", self.made(short_ios=2))
        self.wrong("3 dropped", self.made(drop_ios=3))

    def test_an_error_in_a_job(self):
        self.wrong(r"randread-4k-qd1: error 5 \(Input/output error\); fio says: "
                   "a sad story$",
                   b"a sad story\nmore\n" + self.made(error=5, total_ios=1))

    def test_jobs_that_are_missing(self):
        text = json.loads(self.made())
        del text["jobs"][3]
        self.wrong("fio did not run randwrite-4k-qd32",
                   json.dumps(text).encode())
        self.wrong("has no 'percentile'", self.made(lat_ns={}))

    def test_what_is_not_json(self):
        for text in (b"", b"{", b"[]", b"{}", b'{"jobs": 1}', b'{"jobs": [1]}',
                     b"fio: option <x>\nagain"):
            self.wrong("not fio's json", text)

    def test_the_console(self):
        text = self.made() * 20
        self.assertEqual(fio.output(self.console(text), "x"), text)
        # the kernel says something in between
        noisy = self.console(text).split(b"\r\n")
        noisy.insert(3, b"[    9.1] random: crng init done")
        self.assertEqual(fio.output(b"\r\n".join(noisy), "x"), text)

    def test_a_console_that_lost_some(self):
        whole = self.console(self.made() * 20)
        for text in (whole.replace(b"fio: begin\r\n", b"fio: begin\r\nxx"),
                     whole[:200] + whole[300:], whole[:60] + b"\r\n" +
                     whole[whole.index(b"fio: end"):]):
            with self.assertRaisesRegex(common.BenchError, "unharmed"):
                fio.output(text, "x")

    def test_a_guest_that_died(self):
        for text, why in ((b"", "nothing was printed"),
                          (b"fio: begin\r\nabcd\r\n", "abcd"),
                          (b"\xff\r\n[ 1] Kernel panic\r\n", "panic")):
            with self.assertRaisesRegex(common.BenchError,
                                        "x: fio did not end: .*" + why):
                fio.output(text, "x")

    def cell(self, *others):
        args = argparse.Namespace(rounds=2, ios=64)
        return fio.Fio().collect("fio/arm64", ["trapline", *others], args,
                                 argparse.Namespace(icount=True), self.folder)

    def test_one_that_did_not_run(self):
        for turn in "12":
            self.file(f"trapline.{turn}.0", self.console(self.made()))
            self.file(f"lkvm.{turn}.0", "sh: lkvm: not found\n")
        rows = self.cell("lkvm")
        self.assertEqual(len(rows), 32 + 1)
        self.assertRegex(rows[32]["missing"], "fio did not end: .*not found")
        self.file("trapline.2.0", "")
        with self.assertRaisesRegex(common.BenchError, "trapline, round 2"):
            self.cell()

    def test_a_cell(self):
        for who in ("trapline", "qemu"):
            for turn in range(3):
                self.file(f"{who}.{turn}.0", self.console(self.made()))
        rows = self.cell("qemu")
        self.assertEqual(len(rows), 2 * 32)
        self.assertEqual(rows[0]["name"], "fio/arm64/randread-4k-qd1/iops")
        self.assertEqual(rows[0]["samples"], [1000.5, 1000.5])
        self.assertEqual(host.read(self.folder + "/qemu.2.json"), self.made())
        # a picture for each kind of measure
        found = data({})
        found.update(command="fio", cells={"fio/arm64": {"rows": rows}})
        self.assertEqual(list(plot.figures(found, "fio")),
                         [f"fio-arm64-{what}-time" for what in
                          ("iops", "bandwidth", "latency", "latency-99")])

    def test_the_job_file(self):
        text = fio.job_file(64)
        self.assertIn("[randread-4k-qd32]\nrw=randread\nbs=4096\niodepth=32\n"
                      "io_size=262144\n", text)
        self.assertEqual(text.count("\n["), len(fio.jobs()))

    def test_bad_command_lines(self):
        parser = argparse.ArgumentParser()
        fio.Fio().options(parser)
        for ios in ("0", "-1", "1000001"):
            args = parser.parse_args(["--ios", ios])
            args.widths, args.rounds, args.vs = ["64"], 1, []
            with self.assertRaisesRegex(common.BenchError, "--ios"):
                fio.Fio().cells(args)
