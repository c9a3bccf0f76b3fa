"""What Ophion raises, what crosses to C++ as a kind of its own, and how errors suggest the right name."""

from __future__ import annotations

import difflib
from typing import Iterable


class Error(Exception):
    """The base of all errors of the library. Each says what was tried, on what, and what was found."""


class ConfigError(Error, ValueError):
    """A config, or options, that are not as their schema says.

    Attributes
    ----------
    file : str
        The config's file; empty when it was no file.
    pointer : str
        A JSON pointer to the key, such as "/methods/0/training/epochs".
    problem : str
        What was expected and what was found.
    """

    def __init__(self, message: str, file: str = "", pointer: str = "", problem: str = ""):
        super().__init__(message)
        self.file = file
        self.pointer = pointer
        self.problem = problem


class DataError(Error, ValueError):
    """Events that can't be read or used. The text names the file and the column. Raised in a script or reader it becomes C++'s DataError."""


class PythonError(Error, RuntimeError):
    """Python code that a training or a model ran has raised; in a worker process too, so all of it is text.

    Attributes
    ----------
    type : str
        The exception's type, such as "ZeroDivisionError".
    problem : str
        Its text.
    traceback : str
        As Python prints it, with the script's file and line; shown below the error as a note.
    """

    def __init__(self, message: str, type: str = "", problem: str = "", traceback: str = ""):
        super().__init__(message)
        self.type = type
        self.problem = problem
        self.traceback = traceback
        if traceback:
            self.add_note(traceback)


class ModelError(Error, ValueError):
    """A model file that is damaged, from a newer Ophion, or whose scores are no longer those of its training."""


class PluginError(Error, RuntimeError):
    """A plug-in that is missing, was built for another Ophion, or lacks its Python."""


class Interrupted(Error, RuntimeError):
    """A training that was asked to stop before there was a result."""


class TrustError(Error, PermissionError):
    """A model that would run code from its file, which nobody has said to trust. Its text names the file and the command."""


class TimeLimit(Error, TimeoutError):
    """A call that took longer than its time limit, and was stopped."""


class WorkerError(Error, RuntimeError):
    """A worker process that ended, or could not be started; its text says how."""


class ArgumentError(Error, ValueError):
    """A call with arguments that don't fit each other, such as a row of another length than the model's."""


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
