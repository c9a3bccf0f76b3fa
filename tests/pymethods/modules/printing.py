"""Everything that can write to Python's streams."""

import logging
import sys
import warnings


def line(text="hello"):
    print(text)


def unfinished():
    print("no end", end="")


def many(count):
    for i in range(count):
        print("line", i)


def to_stderr():
    print("trouble", file=sys.stderr)


def log():
    logging.getLogger("probe").warning("logged")


def warn():
    warnings.warn("careful", UserWarning)


def bar():
    for i in range(3):
        sys.stdout.write(f"\r{i + 1}/3")
        sys.stdout.flush()
    sys.stdout.write("\n")


def odd():
    print("é \udcff")
    sys.stdout.buffer.write(b"bytes\n")
    sys.stdout.writelines(["one\n", "two\n"])


def wrong():
    sys.stdout.write(3)


def facts():
    out = sys.stdout
    return [out.encoding, out.errors, out.closed, out.isatty(), out.fileno(), out.writable(), out is sys.__stdout__]
