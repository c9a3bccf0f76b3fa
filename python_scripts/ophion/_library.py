"""The C API as Python sees it: statuses become exceptions, long texts and JSON are fetched, messages go to logging.

What the library says goes to the logger "libophion", which warnings leave on stderr unless the program says otherwise; what scripts
print in worker processes goes where print() goes.
"""

from __future__ import annotations

import atexit
import json
import logging
import sys
from collections.abc import Callable
from typing import Any

from ophion import errors

try:
    from ophion._ophion import ffi as ffi, lib as lib
except ImportError as problem:
    raise ImportError(
        f"ophion._ophion can't be imported ({problem}): this copy of the package serves the C++ library alone, or another Python than "
        f"{sys.executable}. `pip install .` in Ophion's source builds the one for this Python"
    ) from problem

_KINDS: dict[int, type[Exception]] = {
    lib.OPHION_FAILED: errors.Error,
    lib.OPHION_DATA: errors.DataError,
    lib.OPHION_MODEL: errors.ModelError,
    lib.OPHION_PLUGIN: errors.PluginError,
    lib.OPHION_INTERRUPTED: errors.Interrupted,
    lib.OPHION_TRUST: errors.TrustError,
    lib.OPHION_TIME_LIMIT: errors.TimeLimit,
    lib.OPHION_WORKER: errors.WorkerError,
    lib.OPHION_ARGUMENT: errors.ArgumentError,
    lib.OPHION_NO_MEMORY: MemoryError,
}


def text(pointer: Any) -> str:
    """A text of the library's; empty for NULL."""
    if pointer == ffi.NULL:
        return ""
    return str(ffi.string(pointer).decode("utf-8", "replace"))


def error() -> Exception:
    """The exception for the last call of this thread that failed."""
    kind, message = lib.ophion_error_kind(), text(lib.ophion_error_text())

    def detail(key: bytes) -> str:
        return text(lib.ophion_error_detail(key))

    if kind == lib.OPHION_CONFIG:
        return errors.ConfigError(message, detail(b"file"), detail(b"pointer"), detail(b"problem"))
    if kind == lib.OPHION_PYTHON:
        raised = errors.PythonError(message, detail(b"type"), detail(b"message"), detail(b"traceback"))
        if raised.type == "ModuleNotFoundError":
            raised.add_note("The packages that training and models in Python need: pip install 'ophion[train]'")
        return raised
    return _KINDS.get(kind, errors.Error)(message)


def check(status: int) -> None:
    """Raise what a call that failed has to say."""
    if status:
        raise error()


def fetch(function: Callable[..., int], *arguments: Any) -> Any:
    """JSON from a function that copies text into the caller's memory."""
    needed = ffi.new("size_t *")
    check(function(*arguments, ffi.NULL, 0, needed))
    memory = ffi.new("char[]", needed[0])
    check(function(*arguments, memory, needed[0], ffi.NULL))
    return json.loads(ffi.string(memory))


def options(**given: Any) -> Any:
    """Options of a call as JSON; those that are None are as the library has them."""
    return json.dumps({name: value for name, value in given.items() if value is not None}).encode()


_log = logging.getLogger("libophion")
_LEVELS = {
    lib.OPHION_LOG_DEBUG: logging.DEBUG,
    lib.OPHION_LOG_INFO: logging.INFO,
    lib.OPHION_LOG_WARNING: logging.WARNING,
    lib.OPHION_LOG_ERROR: logging.ERROR,
}


@ffi.def_extern(name="ophion_py_log")  # type: ignore[untyped-decorator]
def _hear(level: int, line: Any, user: Any) -> None:
    if level in _LEVELS:
        _log.log(_LEVELS[level], "%s", text(line))
    else:
        print(text(line), file=sys.stdout if level == lib.OPHION_LOG_SCRIPT_OUTPUT else sys.stderr)


def _set_up() -> None:
    """This Python is the one that workers and look-ups use; nothing of the library calls it once it ends."""
    check(lib.ophion_configure(options(python=sys.executable)))
    check(lib.ophion_set_log(lib.ophion_py_log, ffi.NULL))
    atexit.register(lib.ophion_set_log, ffi.NULL, ffi.NULL)


_set_up()
