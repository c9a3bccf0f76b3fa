#!/usr/bin/env python3
"""Compare the C library with its header and with the ABI that programs were linked to, or keep its ABI.

    c_abi.py LIBRARY            exit status 1, with the differences, where a program that was linked to the kept ABI would break
    c_abi.py LIBRARY --keep     write bindings/abi/: with each release, after the comparison

The library must have debug information (a build with tests has). Functions and types are compared by libabigail's abidiff as the header
shows them, whatever is behind a handle, so that compiler and optimisation don't matter; where there is no abidiff the exit status is 77.
Constants are in no library: those of the header are compared as text. Additions are no difference.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HEADER = ROOT / "bindings" / "include" / "ophion_c.h"
KEPT = ROOT / "bindings" / "abi"
DUMP = "libophion_c.abi"
CONSTANTS = "constants.txt"


def header_text():
    """The header without its comments."""
    return re.sub(r"//.*|/\*.*?\*/", "", HEADER.read_text(encoding="utf-8"))


def functions():
    """Names of all functions that the header declares."""
    return set(re.findall(r"^[a-z][\w *]*?\b(ophion_\w+)\(", header_text(), re.MULTILINE))


def constants():
    """Lines "NAME = number" of all enumerators and numeric macros of the header."""
    text = header_text()
    pairs = re.findall(r"^\s*(OPHION_\w+) = (\d+)", text, re.MULTILINE) + re.findall(r"^#define (OPHION_\w+) (\d+)$", text, re.MULTILINE)
    return [f"{name} = {number}" for name, number in pairs]


def exported(library):
    """Names of all functions that the library exports, with their versions."""
    told = subprocess.run(["nm", "--dynamic", "--defined-only", library], capture_output=True, text=True, check=True).stdout
    return {line.split()[2] for line in told.splitlines() if line.split()[1] != "A"}


def dump(library, file):
    """Write the functions and types of a library as the header shows them."""
    as_the_header_shows = ["--headers-dir", HEADER.parent, "--drop-private-types", "--exported-interfaces-only"]
    without_places = ["--no-corpus-path", "--no-comp-dir-path", "--no-show-locs", "--no-elf-needed"]
    subprocess.run(["abidw", *as_the_header_shows, *without_places, "--out-file", file, library], check=True)


def differences(library, kept):
    """Texts of all that would break a program."""
    found = []
    names = {name.partition("@@")[0] for name in exported(library)}
    if names != functions():
        found.append(f"only in the header: {sorted(functions() - names)}; only in the library: {sorted(names - functions())}")
    lost = [line for line in (kept / CONSTANTS).read_text().splitlines() if line not in constants()]
    if lost:
        found.append(f"constants that are gone or have another number: {', '.join(lost)}")
    with tempfile.TemporaryDirectory() as folder:  # a dump with a dump: beside a library, abidiff overlooks members of structs
        dump(library, Path(folder) / DUMP)
        done = subprocess.run(["abidiff", "--no-added-syms", kept / DUMP, Path(folder) / DUMP], capture_output=True, text=True)
    if done.returncode != 0:
        found.append(done.stdout + done.stderr)
    return found


def keep(library, kept):
    """Write what later libraries are compared with."""
    kept.mkdir(exist_ok=True)
    (kept / CONSTANTS).write_text("\n".join(constants()) + "\n")
    dump(library, kept / DUMP)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("library", type=Path)
    parser.add_argument("--keep", action="store_true", help="write what later libraries are compared with")
    parser.add_argument("--abi", type=Path, default=KEPT, help="the folder of the kept ABI")
    arguments = parser.parse_args()
    if not shutil.which("abidiff"):
        print("c_abi.py: there is no abidiff (Debian: abigail-tools)")
        return 77
    if arguments.keep:
        keep(arguments.library, arguments.abi)
        return 0
    found = differences(arguments.library, arguments.abi)
    print("\n".join(found) or "no difference")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
