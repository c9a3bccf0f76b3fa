"""Functions that fail, each in its own way."""

import sys

import numpy as np

from ophion.errors import DataError, OptionError


def simple():
    raise ValueError("expected 4 features, found 3")


def chained():
    try:
        simple()
    except ValueError as error:
        raise RuntimeError("the fit failed") from error


def in_context():
    try:
        {}["missing"]
    except KeyError:
        simple()


def without_context():
    try:
        simple()
    except ValueError:
        raise RuntimeError("alone") from None


def wrong_syntax():
    compile("x = (1", "cut.py", "exec")


def group():
    raise ExceptionGroup("two", [ValueError("one"), TypeError("other")])


def out_of_memory():
    raise MemoryError


def endless(depth=0):
    return endless(depth + 1) + other(depth)


def other(depth):
    return endless(depth)


class Broken(Exception):
    def __str__(self):
        raise RuntimeError("no text")


def broken_text():
    raise Broken


def surrogates():
    raise ValueError("bad \udcff byte")


def of_numpy():
    np.zeros((2, 3)) @ np.zeros((2, 3))


def leave():
    sys.exit()


def leave_with_code():
    sys.exit(3)


def leave_with_text():
    sys.exit("bye")


def interrupted():
    raise KeyboardInterrupt


def bad_data():
    raise DataError("cut.root: column 'pt' is jagged")


def bad_option():
    raise OptionError("/params/hidden", "expected at least 1, found -3")
