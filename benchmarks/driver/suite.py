# SPDX-License-Identifier: GPL-2.0-only
"""trapline bench all: several commands in one run, their cells in one file."""


class Suite:
    """@parts: {name: module}, in the order in which they are run.  What a cell
    belongs to is the first part of its key."""

    def __init__(self, parts):
        self.parts = parts

    @staticmethod
    def options(parser):
        parser.add_argument("--mem", type=int, default=256, metavar="MIB",
                            help="memory of a Linux guest (256)")

    def guests(self, args):
        return sorted({guest for part in self.parts.values()
                       for guest in getattr(part, "guests",
                                            lambda _: ())(args)})

    def cells(self, args):
        return {key: guess for part in self.parts.values()
                for key, guess in part.cells(args).items()}

    def run(self, key, args, host, keep):
        return self.parts[key.split("/")[0]].run(key, args, host, keep)
