"""Python objects by the names that configs and C++ programs give: "package.module.Class", or a name in a user's script."""

from __future__ import annotations

import importlib
import os
from typing import Any

from ophion import _scripts
from ophion.errors import OptionError, suggestion

_kept: list[_scripts.Script] = []


def find(name: str, pointer: str = "") -> Any:
    """What a dotted name stands for; modules are imported as far as needed.

    Parameters
    ----------
    name : str
    pointer : str, optional
        Where the name stands in the config, for errors.

    Raises
    ------
    OptionError
        No such package, module or attribute: names the nearest names. What an import raises comes out as it is.
    """
    package, *rest = name.split(".")
    if not all(part.isidentifier() for part in (package, *rest)):
        raise OptionError(pointer, f"'{name}' is no dotted name such as 'math.exp'")
    found = _module(package)
    if found is None:
        raise OptionError(pointer, f"'{name}': there is no package '{package}' in this Python; install it there")
    reached = package
    for part in rest:
        module = None if hasattr(found, part) else _module(f"{reached}.{part}")
        if module is None and not hasattr(found, part):
            known = (one for one in getattr(found, "__all__", dir(found)) if not one.startswith("_"))
            raise OptionError(pointer, f"'{name}': {reached} has no '{part}'{suggestion(part, known)}")
        found, reached = getattr(found, part, module), f"{reached}.{part}"
    return found


def _module(name: str) -> Any:
    """The module, or None where there is none of that name; what it lacks itself comes out as ModuleNotFoundError."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        return None


def find_in_script(path: str | os.PathLike[str], name: str, pointer: str = "") -> tuple[Any, _scripts.Script]:
    """A name of a user's script, and the script, whose modules live as long as someone has it.

    Raises
    ------
    OptionError
        No such file, it is not Python, or it has no such name. What the script raises comes out as it is.
    """
    script = _scripts.open_file(path)
    if not hasattr(script.module, name):
        own = (one for one in vars(script.module) if not one.startswith("_"))
        raise OptionError(pointer, f"{script.file} has no '{name}'{suggestion(name, own)}")
    return getattr(script.module, name), script


def keep_in_script(path: str, name: str) -> Any:
    """The same; its modules live as long as the process."""
    found, script = find_in_script(path, name)
    _kept.append(script)
    return found
