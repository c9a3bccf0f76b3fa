"""Python objects by the names that configs and C++ programs give: "package.module.Class", or a name in a user's script."""

from __future__ import annotations

import functools
import importlib
import inspect
import os
from pathlib import Path
from typing import Any, Callable, Mapping

from ophion import _scripts
from ophion.errors import OptionError, pointer_to, suggestion

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


def function(entry: Any, folder: str, arguments: int) -> tuple[Callable, _scripts.Script | None, str]:
    """A callable, as C++ programs and configs name it.

    Parameters
    ----------
    entry : str or dict
        "math.exp", "bends.py:bend", {"function": "math.exp"} or {"file": "bends.py", "name": "bend"}; a dict may have
        "params", which are given by keyword.
    folder : str
        What files are relative to.
    arguments : int
        How many positional arguments it gets.

    Returns
    -------
    callable
    Script or None
        To be held as long as the callable.
    str
        The name, for errors.

    Raises
    ------
    OptionError
        No such thing, or it can't be called like this; with the JSON pointer into a dict.
    """
    if isinstance(entry, str):
        file, is_file, name = entry.rpartition(".py:")
        entry = {"file": f"{file}.py", "name": name} if is_file else {"function": entry}
        where = {"file": "", "function": ""}
    else:
        _check_entry(entry)
        where = {"file": "/name", "function": "/function"}
    params = entry.get("params", {})
    script = None
    if "function" in entry:
        pointer, name = where["function"], entry["function"]
        found = find(name, pointer)
    else:
        pointer, path = where["file"], Path(folder, entry["file"])
        name = f"{path.name}: {entry['name']}"
        try:
            found, script = find_in_script(path, entry["name"], pointer)
        except OptionError as error:
            raise OptionError("/file" if pointer and error.pointer == "/script" else pointer, error.problem) from error
    _check_call(found, name, arguments, params, pointer)
    return (functools.partial(found, **params) if params else found), script, name


def checked(found: Any, arguments: int) -> str:
    """The name of a callable that takes that many arguments; OptionError where it does not."""
    name = getattr(found, "__qualname__", None) or type(found).__qualname__
    _check_call(found, name, arguments, {}, "")
    return name


_KEYS = {"function": str, "file": str, "name": str, "params": dict}


def _check_entry(entry: Any) -> None:
    if not isinstance(entry, dict):
        raise OptionError("", f"expected the name of a function or an object, found {type(entry).__name__}")
    for key, value in entry.items():
        if key not in _KEYS:
            raise OptionError(pointer_to(key), f"unknown key{suggestion(key, _KEYS)}")
        if not isinstance(value, _KEYS[key]):
            raise OptionError(pointer_to(key), f"expected {_KEYS[key].__name__}, found {type(value).__name__}")
    if set(entry) - {"params"} not in ({"function"}, {"file", "name"}):
        raise OptionError("", 'expected "function", or "file" and "name", found ' + (", ".join(map(repr, entry)) or "none of them"))


def _check_call(found: Any, name: str, arguments: int, params: Mapping[str, Any], pointer: str) -> None:
    if not callable(found):
        raise OptionError(pointer, f"{name} is not callable, it is {type(found).__name__}")
    try:
        signature = inspect.signature(found)
    except (TypeError, ValueError):  # made in C without a signature
        return
    takes_any = any(one.kind is inspect.Parameter.VAR_KEYWORD for one in signature.parameters.values())
    for key in params:
        if key not in signature.parameters and not takes_any:
            hint = suggestion(key, signature.parameters)
            raise OptionError(pointer_to("params", key), f"{name}{signature} has no argument '{key}'{hint}")
    try:
        signature.bind(*range(arguments), **params)
    except TypeError as error:
        count = "1 argument" if arguments == 1 else f"{arguments} arguments"
        raise OptionError(pointer, f"{name}{signature} can't be called with {count}: {error}") from error
