"""Users' scripts as modules ``ophion._scripts.<key>.NAME``.

Each script has a package of its own, named by a hash over its folder and content, so that two scripts of one name
live together and a changed script is read again. ``import helpers`` in it finds ``helpers.py`` beside it, as in plain
Python, but neither ``sys.path`` nor the names of other modules are touched. Worker processes (a DataLoader's, forked
or spawned) can import the same names: importing ``ophion._scripts`` installs the finder, and the folders reach them
through an environment variable.

A script that comes out of a model file is first written to a private folder, which is removed at exit.
"""

from __future__ import annotations

import atexit
import builtins
import functools
import hashlib
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import shutil
import sys
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import ModuleType
from typing import Any, Mapping

from ophion.errors import OptionError, suggestion

MEMBERS = "script/"  # where a model file keeps the sources

_PREFIX = __name__ + "."
_FOLDERS_VARIABLE = "OPHION_SCRIPT_FOLDERS"


def _inherited_folders() -> dict[str, str]:
    try:
        return dict(json.loads(os.environ.get(_FOLDERS_VARIABLE, "{}")))
    except ValueError:
        return {}


_folders: dict[str, str] = _inherited_folders()  # key of a script's package -> folder of its files
_lock = threading.RLock()


class _Loader(importlib.abc.SourceLoader):
    """Compiles a source file (no bytecode beside it), remembers what was compiled, and lets it import its siblings."""

    def __init__(self, key: str, path: str):
        self.key = key
        self.path = path
        self.source = b""

    def get_filename(self, fullname: str) -> str:
        return self.path

    def get_data(self, path: str) -> bytes:
        return Path(path).read_bytes()

    def source_to_code(self, data: bytes, path: str = "<string>"):
        self.source = bytes(data)
        return super().source_to_code(data, path)

    def exec_module(self, module: ModuleType) -> None:
        # The import statement takes __import__ from the module's own builtins.
        module.__dict__["__builtins__"] = {**vars(builtins), "__import__": _importer(self.key)}
        super().exec_module(module)


class _Finder(importlib.abc.MetaPathFinder):
    """Finds ``ophion._scripts.<key>`` and the .py files and packages below it."""

    def find_spec(self, fullname: str, path=None, target=None):
        if not fullname.startswith(_PREFIX):
            return None
        key, *names = fullname[len(_PREFIX) :].split(".")
        if key not in _folders:
            return None
        base = os.path.join(_folders[key], *names)
        if not names:
            package = importlib.machinery.ModuleSpec(fullname, None, is_package=True)
            package.submodule_search_locations = [base]
            return package
        for file, locations in ((os.path.join(base, "__init__.py"), [base]), (base + ".py", None)):
            if os.path.isfile(file):
                loader = _Loader(key, file)
                return importlib.util.spec_from_file_location(
                    fullname, file, loader=loader, submodule_search_locations=locations
                )
        return None


@functools.cache
def _is_sibling(key: str, name: str) -> bool:
    base = os.path.join(_folders[key], name)
    return os.path.isfile(base + ".py") or os.path.isfile(os.path.join(base, "__init__.py"))


@functools.cache
def _importer(key: str):
    package = _PREFIX + key

    def import_beside(name, globals=None, locals=None, fromlist=(), level=0):
        top = name.partition(".")[0]
        if level or not _is_sibling(key, top):
            return builtins.__import__(name, globals, locals, fromlist, level)
        if fromlist:
            return builtins.__import__(f"{package}.{name}", globals, locals, fromlist, 0)
        importlib.import_module(f"{package}.{name}")
        return sys.modules[f"{package}.{top}"]

    return import_beside


sys.meta_path.insert(0, _Finder())


@dataclass(frozen=True)
class Script:
    """A user's script, imported.

    Attributes
    ----------
    module : module
    file : str
        As the user named it, or as the model file does: for messages.
    name : str
        The file's name, such as "mlp.py".
    """

    module: ModuleType
    file: str
    name: str

    def sources(self) -> dict[str, bytes]:
        """The script and the siblings it has imported so far, as they were compiled: members of the model file."""
        loader = self.module.__spec__.loader
        folder = _folders[loader.key]
        package = f"{_PREFIX}{loader.key}."
        found = {}
        for name, module in sorted(list(sys.modules.items()), key=lambda one: one[0]):
            loader = getattr(getattr(module, "__spec__", None), "loader", None)
            if name.startswith(package) and isinstance(loader, _Loader):
                found[MEMBERS + Path(loader.path).relative_to(folder).as_posix()] = loader.source
        return found

    def function(self, name: str, *, shape: str) -> Any:
        """A function the script must have.

        Raises
        ------
        OptionError
            There is none, or it is no function: names the nearest names the script has.
        """
        if not hasattr(self.module, name):
            own = (key for key, value in vars(self.module).items() if callable(value) and not key.startswith("_"))
            raise OptionError("/script", f"{self.file} has no {shape}{suggestion(name, own)}")
        return self.optional_function(name)

    def optional_function(self, name: str) -> Any:
        """The same, or None where the script has none."""
        found = getattr(self.module, name, None)
        if found is not None and not callable(found):
            raise OptionError("/script", f"{self.file}: {name} must be a function, found {type(found).__name__}")
        return found


def open_file(path: str | os.PathLike[str]) -> Script:
    """Import a script from the user's disk.

    Raises
    ------
    OptionError
        No such file, or it is not Python: "mlp.py line 3: …". What the script itself raises comes out as it is.
    """
    file = Path(path).absolute()
    if not file.is_file():
        beside = (one.name for one in file.parent.glob("*.py")) if file.parent.is_dir() else ()
        raise OptionError("/script", f"there is no file {file}{suggestion(file.name, beside)}")
    if not file.stem.isidentifier():
        raise OptionError("/script", f"{file.name} can't be imported: the name must be an identifier followed by .py")
    key = _hash({str(one.relative_to(file.parent)): one.read_bytes() for one in _python_files(file.parent)}, str(file))
    return _import(key, str(file.parent), file.name, str(file))


def from_members(members: Mapping[str, bytes], name: str, origin: str = "the model file") -> Script:
    """Import a script out of a model file's members ("script/mlp.py", …); the original files aren't needed.

    Raises
    ------
    ValueError
        A member's name leaves the folder, or the script is not there.
    """
    files = {key[len(MEMBERS) :]: bytes(value) for key, value in members.items() if key.startswith(MEMBERS)}
    for one in files:
        parts = PurePosixPath(one).parts
        if "\\" in one or not parts or one.startswith("/") or ".." in parts or not one.endswith(".py"):
            raise ValueError(f"{origin}: '{MEMBERS}{one}' is no name of a script")
    if name not in files:
        raise ValueError(f"{origin} has no member '{MEMBERS}{name}'{suggestion(name, files)}")
    key = _hash(files, name)
    with _lock:
        folder = _private_folder() / key
        if not folder.is_dir():
            unfinished = Path(tempfile.mkdtemp(dir=folder.parent))
            for one, content in files.items():
                (unfinished / one).parent.mkdir(parents=True, exist_ok=True)
                (unfinished / one).write_bytes(content)
            unfinished.rename(folder)
    return _import(key, str(folder), name, f"{origin}: {name}")


def _import(key: str, folder: str, name: str, shown: str) -> Script:
    with _lock:
        if _folders.get(key) != folder:
            _folders[key] = folder
            os.environ[_FOLDERS_VARIABLE] = json.dumps(_folders)  # for worker processes
    importlib.invalidate_caches()
    try:
        module = importlib.import_module(f"{_PREFIX}{key}.{name.removesuffix('.py').replace('/', '.')}")
    except SyntaxError as error:
        if error.filename is None or not str(error.filename).startswith(folder):
            raise
        text = f": {error.text.strip()}" if error.text else ""
        raise OptionError("/script", f"{error.filename} line {error.lineno}: {error.msg}{text}") from error
    return Script(module, shown, name)


def _python_files(folder: Path) -> list[Path]:
    """The files that a script in this folder can import as siblings."""
    found = sorted(folder.glob("*.py"))
    for package in sorted(one.parent for one in folder.glob("*/__init__.py")):
        found += sorted(package.rglob("*.py"))
    return [one for one in found if one.is_file()]


def _hash(files: Mapping[str, bytes], name: str) -> str:
    digest = hashlib.sha256(name.encode())
    for one, content in sorted(files.items()):
        digest.update(f"\0{one}\0{len(content)}\0".encode())
        digest.update(content)
    return "s" + digest.hexdigest()[:16]


_private: tuple[int, Path] | None = None  # process and folder: a forked child makes its own


def _private_folder() -> Path:
    global _private
    if _private is None or _private[0] != os.getpid():
        _private = os.getpid(), Path(tempfile.mkdtemp(prefix="ophion-"))
        atexit.register(_remove, *_private)
    return _private[1]


def _remove(process: int, folder: Path) -> None:
    if os.getpid() == process:
        shutil.rmtree(folder, ignore_errors=True)
