# SPDX-License-Identifier: GPL-2.0-only
"""What the tests of the benchmark driver share: where it is, files, results."""
import os
import subprocess
import sys
import tempfile
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
DRIVER = os.path.join(TOP, "benchmarks/driver")
sys.path.insert(0, DRIVER)

# pylint: disable=wrong-import-position
import results


def data(samples, who="trapline", better="lower", icount=False):
    found = results.new("boot", {"nested": True, "host": "arm64",
                                 "icount": icount, "machine": "x"})
    found["cells"]["boot/x"] = {"rows": [
        results.row(f"boot/x/{name}", who, "us", values, better)
        for name, values in samples.items()], "detail": {}}
    return found


class Base(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="bench-driver-")
        self.addCleanup(subprocess.run, ["rm", "-rf", self.folder])

    def file(self, name, content):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as out:
            out.write(content if isinstance(content, bytes)
                      else content.encode())
        return path
