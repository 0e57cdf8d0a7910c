# SPDX-License-Identifier: GPL-2.0-only
"""trapline bench all: several commands in one run, their cells in one file."""
import argparse


class Suite:
    """@parts: {name: module}, in the order in which they are run, with the
    options that each has by default.  What a cell belongs to is the first part
    of its key."""

    def __init__(self, parts):
        self.parts = parts

    def guests(self, args):
        return sorted({guest for part in self.parts.values()
                       for guest in getattr(part, "guests",
                                            lambda _: ())(given(part, args))})

    def cells(self, args):
        return {key: guess for part in self.parts.values()
                for key, guess in part.cells(given(part, args)).items()}

    def run(self, key, args, host, keep):
        part = self.parts[key.split("/")[0]]
        return part.run(key, given(part, args), host, keep)


def given(part, args):
    """@args, and the options of @part as they are by default."""
    own = argparse.ArgumentParser()
    getattr(part, "options", lambda _: None)(own)
    return argparse.Namespace(**vars(own.parse_args([])), **vars(args))
