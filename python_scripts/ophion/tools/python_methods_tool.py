"""Which methods Python packages bring by the entry-point group "ophion.methods". Nothing of the packages is imported.

As a tool it answers for the Python that runs; as a program (``python -P python_methods_tool.py``) for one that is not started yet, so it
needs the standard library alone.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import pkgutil
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

GROUP = "ophion.methods"


class Job:
    """See `ophion.contract.Job`, whose module this one must do without."""

    def run(self, arguments: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, Any]:
        return {}

    def finish(self) -> dict[str, Any]:
        return found()

    def abandon(self) -> None:
        pass


def start(arguments: Mapping[str, Any]) -> Job:
    return Job()


def found() -> dict[str, Any]:
    """All methods of packages.

    Returns
    -------
    dict
        {"methods": [{"name", "module", "package", "version", "schema", "problem"}]}, all of them texts. ``package`` is the distribution as
        pip normalises its name, ``schema`` a file, ``problem`` what is wrong with the entry, or nothing.
    """
    return {"methods": [_described(distribution, name, module) for distribution, name, module in _entries()]}


def _entries() -> Iterator[tuple[importlib.metadata.Distribution, str, str]]:
    """Each (distribution, name, module); of two installations of a distribution, the first in sys.path counts, as for import."""
    seen = set()
    for distribution in importlib.metadata.distributions():
        if GROUP not in (distribution.read_text("entry_points.txt") or ""):
            continue
        package = _package(distribution)
        if package in seen:
            continue
        seen.add(package)
        try:
            entries = list(distribution.entry_points.select(group=GROUP))
        except Exception as error:
            raise ValueError(f"the entry points of the Python package {package} can't be read") from error
        for entry in entries:
            yield distribution, entry.name, entry.value


def _package(distribution: importlib.metadata.Distribution) -> str:
    return re.sub(r"[-_.]+", "-", distribution.metadata["Name"] or "").lower()


def _described(distribution: importlib.metadata.Distribution, name: str, module: str) -> dict[str, str]:
    told = {"name": name, "module": module, "package": _package(distribution), "version": distribution.version or "", "schema": "", "problem": ""}
    if not all(part.isidentifier() for part in module.split(".")):
        return told | {"problem": f"names no module: expected a name such as package.module, found '{module}'"}
    file = _file_of(module)
    if file is None:
        return told | {"problem": f"names a module that is not there: {module}"}
    schema = file.with_name(module.rpartition(".")[2] + ".schema.json")
    return told | {"schema": str(schema), "problem": "" if schema.is_file() else f"has no schema: expected {schema}"}


def _file_of(module: str) -> Path | None:
    """The file that importing a module would run. No package is imported for it, as importlib.util.find_spec would."""
    name, *inner = module.split(".")
    finders = (finder for finder in sys.meta_path if hasattr(finder, "find_spec"))
    spec = next(filter(None, (finder.find_spec(name, None) for finder in finders)), None)
    places = list(spec.submodule_search_locations or ()) if spec else []
    for part in inner:
        name = f"{name}.{part}"
        importers = filter(None, map(pkgutil.get_importer, places))
        found = [one for one in (importer.find_spec(name) for importer in importers) if one]
        spec = next((one for one in found if one.loader is not None), None)  # else folders without __init__.py, if any
        places = [place for one in ([spec] if spec else found) for place in one.submodule_search_locations or ()]
    return Path(spec.origin) if spec and spec.has_location else None


def main() -> None:
    """Answer on standard output between two marks, whatever else is printed there."""
    try:
        answer = found()
    except Exception as error:
        answer = {"problem": f"{type(error).__name__}: {error}"}
    os.write(1, b"\1ophion\0" + json.dumps(answer).encode() + b"\0\1")


if __name__ == "__main__":
    main()
