"""Errors that cross to C++ as kinds of their own, and how they suggest the right name."""

from __future__ import annotations

import difflib
from typing import Iterable


class OptionError(ValueError):
    """An option of a method is wrong: becomes a ConfigError with file and JSON pointer.

    Parameters
    ----------
    pointer : str
        Below the method's own object, such as "/params/hidden".
    problem : str
        What was expected and what was found.
    """

    def __init__(self, pointer: str, problem: str):
        super().__init__(f"{pointer}: {problem}")
        self.pointer = pointer
        self.problem = problem


class DataError(ValueError):
    """A file or column can't be read: becomes a DataError. The text names the file and the column."""


class CppError(RuntimeError):
    """What C++ threw while Python asked it, such as for the next item of a C++ range.

    Caught by C++ again, it is the same exception as before.

    Parameters
    ----------
    problem : str
        Its text.
    held : object
        The exception itself, for C++ alone.
    """

    def __init__(self, problem: str, held: object = None):
        super().__init__(problem)
        self.held = held


def pointer_to(*keys: str | int) -> str:
    """A JSON pointer from its keys: ("params", "a/b") -> "/params/a~1b"."""
    return "".join("/" + str(key).replace("~", "~0").replace("/", "~1") for key in keys)


def suggestion(name: str, known: Iterable[str]) -> str:
    """What to append to "there is no NAME": the nearest known names, or all of them where none is near."""
    known = sorted(set(known))
    near = difflib.get_close_matches(name, known, n=3)
    if near:
        return ", did you mean " + " or ".join(f"'{one}'" for one in near) + "?"
    if not known:
        return "; there is none at all"
    return "; known: " + ", ".join(known[:20]) + (", …" if len(known) > 20 else "")
