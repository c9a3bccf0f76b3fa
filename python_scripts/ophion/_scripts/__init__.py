"""Users' scripts as modules ``ophion._scripts.<key>.NAME``.

Each opening of a script imports it anew, into a package of its own: two scripts of one name live together, a changed
script is read again, and what a script keeps in its modules (a counter, a patched sibling) is not there for the next
model made of it. When the `Script` goes, so does all of that. ``import helpers`` in it finds ``helpers.py`` beside it,
as in plain Python, but neither ``sys.path`` nor the names of other modules are touched. The package's name holds the
folder, so worker processes (a DataLoader's, joblib's, forked or started anew) import the same names without being told
anything else.

A script that comes out of a model file is first written to a private folder, which goes with the last Script made from
it, or at exit.
"""

from __future__ import annotations

import atexit
import base64
import binascii
import builtins
import collections
import hashlib
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import itertools
import os
import re
import shutil
import sys
import tempfile
import threading
import weakref
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import ModuleType
from typing import Any, Mapping

from ophion.errors import OptionError, suggestion

MEMBERS = "script/"  # where a model file keeps the sources

_PREFIX = __name__ + "."
_KEY = re.compile("s[0-9]+_([a-z2-7]+)")

_numbers = itertools.count()
_opener: int | None = None  # the process that opens scripts; others only import what it names
_lock = threading.RLock()


class _Package:
    """One opening of a script: where its files are and what of them was imported."""

    def __init__(self, key: str, folder: str):
        self.key = key
        self.folder = folder
        self.sources: dict[str, bytes] = {}  # file -> as it was compiled
        self._siblings: dict[str, bool] = {}

    @property
    def name(self) -> str:
        return _PREFIX + self.key

    def has(self, name: str) -> bool:
        """Whether a module of that name lies beside the script."""
        if name not in self._siblings:
            base = os.path.join(self.folder, name)
            self._siblings[name] = os.path.isfile(base + ".py") or os.path.isfile(os.path.join(base, "__init__.py"))
        return self._siblings[name]

    def importer(self):
        """What stands for ``__import__`` in its modules."""

        def import_beside(name, globals=None, locals=None, fromlist=(), level=0):
            top = name.partition(".")[0]
            if level or not self.has(top):
                return builtins.__import__(name, globals, locals, fromlist, level)
            if fromlist:
                return builtins.__import__(f"{self.name}.{name}", globals, locals, fromlist, 0)
            importlib.import_module(f"{self.name}.{name}")
            return sys.modules[f"{self.name}.{top}"]

        return import_beside


_packages: dict[str, _Package] = {}


def _key(folder: str) -> str:
    """A new package's name: letters and digits only, since TorchScript writes it into code."""
    return f"s{next(_numbers)}_" + base64.b32encode(os.fsencode(folder)).decode().lower().rstrip("=")


def _package(key: str) -> _Package | None:
    """The package of that name; in a worker process it is made from the name alone."""
    if key in _packages or _opener == os.getpid():
        return _packages.get(key)
    written = _KEY.fullmatch(key)
    if written is None:
        return None
    text = written[1].upper()
    try:
        folder = os.fsdecode(base64.b32decode(text + "=" * (-len(text) % 8)))
    except (binascii.Error, ValueError):
        return None
    return _packages.setdefault(key, _Package(key, folder))


class _Loader(importlib.abc.SourceLoader):
    """Compiles a source file (no bytecode beside it), remembers what was compiled, and lets it import its siblings."""

    def __init__(self, package: _Package, path: str):
        self.package = package
        self.path = path

    def get_filename(self, fullname: str) -> str:
        return self.path

    def get_data(self, path: str) -> bytes:
        return Path(path).read_bytes()

    def source_to_code(self, data: bytes, path: str = "<string>"):
        self.package.sources[self.path] = bytes(data)
        return super().source_to_code(data, path)

    def exec_module(self, module: ModuleType) -> None:
        # The import statement takes __import__ from the module's own builtins.
        module.__dict__["__builtins__"] = {**vars(builtins), "__import__": self.package.importer()}
        super().exec_module(module)


class _Finder(importlib.abc.MetaPathFinder):
    """Finds ``ophion._scripts.<key>`` and the .py files and packages below it."""

    def find_spec(self, fullname: str, path=None, target=None):
        if not fullname.startswith(_PREFIX):
            return None
        key, *names = fullname[len(_PREFIX) :].split(".")
        package = _package(key)
        if package is None:
            return None
        base = os.path.join(package.folder, *names)
        if not names:
            spec = importlib.machinery.ModuleSpec(fullname, None, is_package=True)
            spec.submodule_search_locations = [base]
            return spec
        for file, locations in ((os.path.join(base, "__init__.py"), [base]), (base + ".py", None)):
            if os.path.isfile(file):
                return importlib.util.spec_from_file_location(
                    fullname, file, loader=_Loader(package, file), submodule_search_locations=locations
                )
        return None


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
        package = self.module.__spec__.loader.package
        return {
            MEMBERS + Path(file).relative_to(package.folder).as_posix(): source
            for file, source in sorted(package.sources.items())
        }

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
        beside = (one.name for one in file.parent.glob("*.py") if one.is_file())
        raise OptionError("/script", f"there is no file {file}{suggestion(file.name, beside)}")
    if not file.stem.isidentifier():
        raise OptionError("/script", f"{file.name} can't be imported: the name must be an identifier followed by .py")
    return _import(str(file.parent), file.name, str(file))


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
    folder = _borrow_folder(files)
    try:
        script = _import(folder, name, f"{origin}: {name}")
    except BaseException:
        _return_folder(os.getpid(), folder)
        raise
    weakref.finalize(script, _return_folder, os.getpid(), folder).atexit = False
    return script


def _import(folder: str, name: str, shown: str) -> Script:
    global _opener
    _opener = os.getpid()
    package = _Package(_key(folder), folder)
    _packages[package.key] = package
    importlib.invalidate_caches()
    try:
        module = importlib.import_module(f"{package.name}.{name.removesuffix('.py').replace('/', '.')}")
        script = Script(module, shown, name)
    except BaseException as error:
        _forget(package.key)
        if not isinstance(error, SyntaxError) or not str(error.filename).startswith(folder):
            raise
        text = f": {error.text.strip()}" if error.text else ""
        raise OptionError("/script", f"{error.filename} line {error.lineno}: {error.msg}{text}") from error
    weakref.finalize(script, _forget, package.key).atexit = False
    return script


def _forget(key: str) -> None:
    """Take a script's modules out of Python's tables; who still holds one of them keeps it."""
    package = _packages.pop(key, None)
    if package is None:
        return
    for name in [name for name in list(sys.modules) if name == package.name or name.startswith(package.name + ".")]:
        sys.modules.pop(name, None)
    globals().pop(key, None)  # where the import system noted the package as a part of this one
    sys.path_importer_cache.pop(package.folder, None)


_private: tuple[int, Path] | None = None  # process and folder: a forked child makes its own
_borrowers: collections.Counter[str] = collections.Counter()  # Scripts made from each folder in it


def _borrow_folder(files: Mapping[str, bytes]) -> str:
    """A private folder with these files, for one Script; the same for the same files."""
    with _lock:
        folder = _private_folder() / _hash(files)
        _borrowers[str(folder)] += 1  # before it is looked for: a Script that is collected now can't take it away
        if not folder.is_dir():
            unfinished = Path(tempfile.mkdtemp(dir=folder.parent))
            for one, content in files.items():
                (unfinished / one).parent.mkdir(parents=True, exist_ok=True)
                (unfinished / one).write_bytes(content)
            unfinished.rename(folder)
    return str(folder)


def _return_folder(process: int, folder: str) -> None:
    if os.getpid() != process:  # a forked worker: the folder is its parent's
        return
    with _lock:
        _borrowers[folder] -= 1
        if _borrowers[folder] <= 0:
            del _borrowers[folder]
            shutil.rmtree(folder, ignore_errors=True)


def _hash(files: Mapping[str, bytes]) -> str:
    digest = hashlib.sha256()
    for one, content in sorted(files.items()):
        digest.update(f"\0{one}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()[:16]


def _private_folder() -> Path:
    global _private
    if _private is None or _private[0] != os.getpid():
        _private = os.getpid(), Path(tempfile.mkdtemp(prefix="ophion-"))
        atexit.register(_remove, *_private)
    return _private[1]


def _remove(process: int, folder: Path) -> None:
    if os.getpid() == process:
        shutil.rmtree(folder, ignore_errors=True)
