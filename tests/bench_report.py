# SPDX-License-Identifier: GPL-2.0-only
"""Tests of trapline bench report, for tests/bench-driver, which runs them."""
import os
import shutil
import subprocess
import sys

from bench_base import DRIVER, Base, data

# pylint: disable=wrong-import-order
import plot
import results


class Report(Base):
    def report(self, *args):
        return subprocess.run(
            [sys.executable, DRIVER, "report", *args], cwd=self.folder,
            text=True, check=False, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)

    def results(self):
        found = data({"to-<init>": [1000, 1100, 900]})
        found["cells"]["boot/x"]["rows"].append(
            results.row("boot/x/to-<init>", "qemu", "us", [500, 510]))
        path = os.path.join(self.folder, "boot.json")
        results.save(found, path)
        return path

    def test_the_document(self):
        path = self.file("doc.md", f"# Mine\n\n{plot.BEGIN}\nold\n"
                         f"{plot.END}\ntail\n")
        done = self.report("--docs", path, self.results())
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(path, encoding="utf8") as file:
            text = file.read()
        self.assertIn("# Mine", text)
        self.assertIn("tail", text)
        self.assertNotIn("old", text)
        self.assertIn("| boot/x/to-<init> | trapline | 1 ms |", text)
        self.assertIn("1.980", text)
        self.assertIn(" behind: not explained yet |", text)

    def test_a_row_that_is_behind_says_why(self):
        ours, theirs = (results.row("x", who, "ns", [n, n])
                        for who, n in (("trapline", 3), ("qemu", 2)))
        self.assertIn("behind: each wakes the worker",
                      results.versus(ours, theirs, "exits/64/kick"))
        self.assertNotIn("behind", results.versus(theirs, ours, "kick"))
        # More than what is known of.
        self.assertIn("behind: not explained yet",
                      results.versus(ours, theirs, "exits/64/ipi-self"))

    def test_a_picture_for_each_unit(self):
        found = data({"up": [2500000]})
        found["cells"]["boot/x"]["rows"] += [
            results.row("boot/x/memory", who, "KiB", [2048])
            for who in ("qemu", "lkvm", "trapline")]
        drawn = plot.figures(found, "boot")
        self.assertEqual(list(drawn), ["boot-x-up-time", "boot-x-memory-time"])
        self.assertIn("2.5 2.5 2.5", drawn["boot-x-up-time"])
        # In the same order, and colours, in all of them.
        titles = [line.split("title '")[1].split("'")[0] for line in
                  drawn["boot-x-memory-time"].split("\n") if "title '" in line
                  and "using" in line]
        self.assertEqual(titles, ["trapline", "qemu", "lkvm"])

    def test_several_commands_in_one_file(self):
        found = data({"process": [10]})
        found["command"] = "all"
        found["cells"]["memory/x"] = {"rows": [
            results.row("memory/x/overhead", "trapline", "KiB", [1])]}
        parts = plot.sections([found])
        self.assertEqual([part[0] for part in parts], ["boot", "memory"])
        self.assertEqual([row[0] for row in parts[1][1][1][0]],
                         ["memory/x/overhead"])
        self.assertEqual(list(parts[0][2]), ["boot-x-time"])

    def test_a_document_without_a_place(self):
        path = self.file("doc.md", "# Mine\n")
        done = self.report("--docs", path, self.results())
        self.assertEqual(done.returncode, 1)
        with open(path, encoding="utf8") as file:
            self.assertEqual(file.read(), "# Mine\n")

    def test_the_page(self):
        if not shutil.which("gnuplot"):
            self.skipTest("gnuplot is not installed")
        done = self.report("--html", "page.html", self.results())
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(self.folder + "/page.html", encoding="utf8") as file:
            text = file.read()
        self.assertIn("<svg", text)
        self.assertIn("boot/x/to-&lt;init&gt;", text)
        with open(self.folder + "/boot-x-time.png", "rb") as file:
            self.assertEqual(file.read(8), b"\x89PNG\r\n\x1a\n")

    def test_nothing_to_report(self):
        results.save(results.new("boot", {}), self.folder + "/empty.json")
        self.assertEqual(self.report("empty.json").returncode, 1)
