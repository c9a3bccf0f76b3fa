"""Functions and classes of other people's modules that a script replaces: found, and put back.

`Patches` remembers the public functions, classes and numbers of the modules that are imported, and the methods of those
classes. It looks at packages themselves and at what `_DEEPER` names: what scripts patch lies there, and to look at all
of PyTorch's thousand modules would take twenty times as long, for each training and each load.

Libraries patch too, and rely on it: PyTorch its own functions at any time, others each other when they are first imported.
So what comes from the script, or was there before it under another name, is put back; the rest stays.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator
from typing import Any

_SCRIPTS = "ophion._scripts."  # where users' modules live
_DEEPER = frozenset(
    ("numpy.linalg", "numpy.random", "os.path", "sklearn.base", "sklearn.metrics", "sklearn.preprocessing")
    + ("torch.autograd", "torch.nn", "torch.nn.functional", "torch.nn.init", "torch.optim", "torch.utils.data")
)
_LOOKED_AFTER = frozenset({"builtins", "sys", "warnings"})  # by ophion._guest
_CHANGEABLE_CLASS = 1 << 9  # Py_TPFLAGS_HEAPTYPE: others can't be patched
_METHODS = (types.FunctionType, staticmethod, classmethod, property)
_nothing = object()


class Patches:
    """The functions of all modules as they are when this is made."""

    def __init__(self):
        modules = sys.modules.copy()  # at once: a list of its items may be disturbed half-way by what the garbage collector runs
        self._modules = set(modules)
        classes: dict[int, type] = {}
        self._before: list[tuple[Any, dict[str, Any]]] = []
        for name, module in modules.items():
            if _is_watched(name, module):
                held = vars(module).copy()
                self._before.append((module, held))
                classes.update(_classes_of(name, held))
        self._before += [(one, vars(one).copy()) for one in classes.values()]

    def put_back(self) -> list[str]:
        """The names of what had been replaced, removed or added: ``numpy.mean``, ``torch.nn.modules.linear.Linear.forward``."""
        changed = []
        for owner, before in self._before:
            if not _same(vars(owner), before):
                changed += [f"{_name(owner)}.{attribute}" for attribute in self._put_back_in(owner, before)]
        return changed

    def _put_back_in(self, owner: Any, before: dict[str, Any]) -> Iterator[str]:
        now = vars(owner).copy()
        for attribute in now.keys() | before.keys():
            new = now.get(attribute, _nothing)
            if before.get(attribute, _nothing) is new or not self._is_patch(owner, attribute, before, new):
                continue
            if attribute in before:
                setattr(owner, attribute, before[attribute])
            else:
                delattr(owner, attribute)
            yield attribute

    def _is_patch(self, owner: Any, attribute: str, before: dict[str, Any], new: Any) -> bool:
        home = _home(new)
        if home.startswith(_SCRIPTS):
            return True
        if attribute not in before:  # libraries add things late
            return False
        old = before[attribute]
        if type(new) is types.ModuleType and type(old) is not types.ModuleType:
            return False  # imported now that it is needed: what stood there was no more than a stand-in
        if isinstance(owner, type):
            is_code = isinstance(old, _METHODS)
        else:
            is_code = not attribute.startswith("_") and (callable(old) or isinstance(old, float))
        if not is_code or new is _nothing or isinstance(old, float):
            return is_code
        package = home.partition(".")[0]
        if package == _name(owner).partition(".")[0]:  # PyTorch wraps its own functions at any time
            return any(new is other for other in before.values())
        return home in self._modules or package in sys.stdlib_module_names


def _is_watched(name: str, module: Any) -> bool:
    if ("." in name and name not in _DEEPER) or name.startswith("_") or name in _LOOKED_AFTER or type(module) is not types.ModuleType:
        return False
    return not getattr(getattr(module, "__spec__", None), "_initializing", False)  # another thread is importing it


_known_classes: dict[str, tuple[int, dict[int, type]]] = {}  # by the module's name, with the number of its names


def _classes_of(name: str, held: dict[str, Any]) -> dict[int, type]:
    """The module's public classes that can be patched. To look for them takes long: that is done once."""
    known, found = _known_classes.get(name, (-1, {}))
    if known != len(held):
        public = [value for attribute, value in held.items() if isinstance(value, type) and not attribute.startswith("_")]
        found = {id(one): one for one in public if one.__flags__ & _CHANGEABLE_CLASS}
        _known_classes[name] = len(held), found
    return found


def _same(now: Any, before: dict[str, Any]) -> bool:
    """Mostly by identity, which C code sees to; objects that can't be compared are looked at one by one."""
    try:
        return bool(now == before)
    except Exception:
        return False


def _home(value: Any) -> str:
    """The name of the module whose code a value is."""
    value = getattr(value, "__func__", getattr(value, "fget", None) or value)
    namespace = getattr(value, "__globals__", None)  # survives functools.wraps
    if namespace is not None:
        return str(namespace.get("__name__"))
    return str(value.__module__ if isinstance(value, type) else type(value).__module__)


def _name(owner: Any) -> str:
    return f"{owner.__module__}.{owner.__qualname__}" if isinstance(owner, type) else owner.__name__
