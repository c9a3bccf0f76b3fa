"""What surrounds a call of a user's code: afterwards the process and the thread are as they were before.

A `Guest` remembers what a script may change by accident or on purpose (the current folder, ``os.environ``,
``sys.path``, streams, random generators, NumPy's and PyTorch's settings, other people's functions, …), and puts it back.
The list is `_process` and `_thread` below, and `_patches`. It costs a few milliseconds, so it stands around each training,
loading, saving and check; around some predictions stands one that looks for neither random numbers nor patches.
What belongs to the process is put back when the last of several overlapping calls ends; what belongs to the thread,
with each.

Not on the list, since nobody can put it back: files, threads (those a script left behind are named).
"""

from __future__ import annotations

import builtins
import contextlib
import gc
import locale
import logging
import multiprocessing
import multiprocessing.spawn
import os
import random
import signal
import sys
import threading
import warnings
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ophion._patches import Patches

_SCRIPTS = "ophion._scripts."  # where users' modules live


class _Setting:
    """Something with a function that reads it and one that sets it."""

    def __init__(self, what: str, read: Callable[[], Any], write: Callable[[Any], Any]):
        self._what, self._read, self._write = what, read, write
        self._before = read()

    def put_back(self) -> str | None:
        if self._read() == self._before:
            return None
        self._write(self._before)
        return self._what


class _Attributes:
    """Attributes of a module or an object: the same objects as before."""

    def __init__(self, what: str, owner: Any, *names: str):
        self._what, self._owner = what, owner
        self._before = {name: getattr(owner, name) for name in names if hasattr(owner, name)}

    def put_back(self) -> str | None:
        changed = [name for name, value in self._before.items() if getattr(self._owner, name, None) is not value]
        for name in changed:
            setattr(self._owner, name, self._before[name])
        return f"{self._what}.{changed[0]}" if changed and self._what else None


class _Streams(_Attributes):
    """sys.stdout and the like; what was printed to those put in their place is not lost."""

    def put_back(self) -> str | None:
        for name in self._before:
            stream = getattr(self._owner, name, None)
            if stream is not self._before[name]:
                with contextlib.suppress(Exception):
                    stream.flush()
        return super().put_back()


class _List:
    """What a list holds. The list itself is an attribute of somebody."""

    def __init__(self, what: str, held: list, done: Callable[[], Any] = lambda: None):
        self._what, self._held, self._done = what, held, done
        self._before = list(held)

    def put_back(self) -> str | None:
        if len(self._held) == len(self._before) and all(a is b for a, b in zip(self._held, self._before)):
            return None
        self._held[:] = self._before
        self._done()
        return self._what


class _Builtins:
    """Builtins that were replaced; new ones stay, since libraries make some."""

    def __init__(self):
        self._before = dict(vars(builtins))

    def put_back(self) -> str | None:
        now = vars(builtins)
        changed = [name for name, value in self._before.items() if now.get(name, now) is not value and name != "_"]
        for name in changed:
            setattr(builtins, name, self._before[name])
        return f"builtins.{changed[0]}" if changed else None


class _Folder:
    """The current folder, found again even when it was renamed."""

    def __init__(self):
        self._file: int | None = None
        with contextlib.suppress(OSError):  # it may be gone
            self._file = os.open(".", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)

    def put_back(self) -> str | None:
        if self._file is None or self._is_current():
            return None
        os.fchdir(self._file)
        return "the current folder"

    def _is_current(self) -> bool:
        try:
            return os.path.samestat(os.stat("."), os.fstat(self._file))
        except OSError:
            return False

    def __del__(self):
        if self._file is not None:
            os.close(self._file)


class _Environment:
    """The environment's variables as Python knows them; what C code sets past it is the host's own affair.

    What libraries set is not laid at a script's door: KMP_… of scikit-learn and threadpoolctl, without which OpenMP hangs or aborts, stays;
    PyTorch's note of where its compiler keeps things goes.
    """

    _LEFT = "KMP_"
    _UNSAID = ("TORCHINDUCTOR_CACHE_DIR",)

    _held = os.environ  # a script may put another object in its place

    def __init__(self):
        self._before = dict(self._held)

    def put_back(self) -> str | None:
        held, before = self._held, self._before
        differing = [name for name in held.keys() | before.keys() if held.get(name) != before.get(name)]
        changed = [name for name in differing if not name.startswith(self._LEFT)]
        for name in changed:
            if name in before:
                held[name] = before[name]
            else:
                held.pop(name, None)
        said = [name for name in changed if name not in self._UNSAID]
        return f"os.environ['{min(said)}']" if said else None


class _SignalHandlers:
    """Handlers as Python's signal module knows them; the process's own are kept by C++."""

    def __init__(self):
        self._main = threading.current_thread() is threading.main_thread()
        self._before = {one: signal.getsignal(one) for one in signal.valid_signals()} if self._main else {}

    def put_back(self) -> str | None:
        changed = [one for one, handler in self._before.items() if signal.getsignal(one) is not handler]
        for one in changed:
            if self._before[one] is not None:  # None: not Python's
                signal.signal(one, self._before[one])
        return f"the handler of {signal.Signals(changed[0]).name}" if changed else None


def _process() -> Iterator[Any]:
    """What belongs to the process."""
    yield _Folder()
    yield _Environment()
    yield _Attributes("os", os, "environ", "environb")
    yield _Attributes("sys", sys, "path", "argv", "executable", "displayhook", "excepthook", "unraisablehook")
    yield _List("sys.path", sys.path)
    yield _List("sys.argv", sys.argv)
    yield _Streams("sys", sys, "stdin", "stdout", "stderr", "__stdout__", "__stderr__")
    yield _Builtins()
    yield _SignalHandlers()
    yield _Setting("the recursion limit", sys.getrecursionlimit, sys.setrecursionlimit)
    yield _Setting("the switch interval", sys.getswitchinterval, sys.setswitchinterval)
    yield _Setting("the garbage collector", gc.isenabled, lambda on: gc.enable() if on else gc.disable())
    yield _Setting("the garbage collector", gc.get_threshold, lambda numbers: gc.set_threshold(*numbers))
    yield _Setting("the locale", lambda: locale.setlocale(locale.LC_ALL), lambda name: locale.setlocale(locale.LC_ALL, name))
    yield _Attributes("threading", threading, "excepthook", "_trace_hook", "_profile_hook")
    yield _Attributes("multiprocessing.spawn", multiprocessing.spawn, "_python_exe")
    yield _Setting(
        "multiprocessing's start method",
        lambda: multiprocessing.get_start_method(allow_none=True),
        lambda method: multiprocessing.set_start_method(method, force=True),
    )
    yield _Attributes("warnings", warnings, "showwarning", "formatwarning")
    yield _Attributes("", warnings, "filters")  # nothing is said of these: many libraries change them when they are imported
    yield _List("", warnings.filters, warnings._filters_mutated)
    root, own = logging.getLogger(), logging.getLogger("ophion")
    yield _List("the handlers of logging", root.handlers)
    yield _List("the handlers of logging", own.handlers)
    yield _Setting("the level of logging", lambda: (root.level, own.level), lambda n: (root.setLevel(n[0]), own.setLevel(n[1])))
    yield _Setting("the level of logging", lambda: root.manager.disable, logging.disable)
    yield _Attributes("the logger of Ophion", own, "disabled", "propagate")
    if (torch := loaded("torch")) is not None:
        yield from _torch_process(torch)


def _thread() -> Iterator[Any]:
    """What belongs to the thread: NumPy and PyTorch keep their settings by context or thread."""
    yield _Setting("NumPy's error state", np.geterr, lambda state: np.seterr(**state))
    yield _Setting("NumPy's error state", np.geterrcall, np.seterrcall)
    yield _Setting("NumPy's print options", np.get_printoptions, lambda options: np.set_printoptions(**options))
    yield _Setting("the trace function", sys.gettrace, sys.settrace)
    yield _Setting("the profile function", sys.getprofile, sys.setprofile)
    if (torch := loaded("torch")) is not None:
        yield _Setting("PyTorch's gradient mode", torch.is_grad_enabled, torch.set_grad_enabled)
        yield _Setting("PyTorch's default device", torch.get_default_device, torch.set_default_device)


def _generators() -> Iterator[Any]:
    """Random numbers. Nothing is said of them: drawing some is no misdeed."""
    yield _Setting("", random.getstate, random.setstate)
    yield _Setting("", lambda: _NumpyRandom(np.random.get_state()), lambda held: np.random.set_state(held.state))
    if (torch := loaded("torch")) is not None:
        yield _Setting("", lambda: _Bits(torch.get_rng_state()), lambda bits: torch.set_rng_state(bits.tensor))
        if torch.cuda.is_initialized():
            yield _Setting(
                "",
                lambda: [_Bits(one) for one in torch.cuda.get_rng_state_all()],
                lambda states: torch.cuda.set_rng_state_all([one.tensor for one in states]),
            )


def _torch_process(torch) -> Iterator[Any]:
    backends = torch.backends
    yield _Setting("PyTorch's default dtype", torch.get_default_dtype, torch.set_default_dtype)
    yield _Setting("PyTorch's number of threads", torch.get_num_threads, torch.set_num_threads)
    yield _Setting(
        "PyTorch's deterministic mode",
        lambda: (torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()),
        lambda mode: torch.use_deterministic_algorithms(mode[0], warn_only=mode[1]),
    )
    yield _Setting("PyTorch's matmul precision", torch.get_float32_matmul_precision, torch.set_float32_matmul_precision)
    yield _Setting("PyTorch's anomaly detection", torch.is_anomaly_enabled, torch.autograd.set_detect_anomaly)
    for name in ("benchmark", "deterministic", "enabled"):
        yield _Setting("torch.backends.cudnn", *_accessors(backends.cudnn, name))


def _accessors(owner: Any, name: str) -> tuple[Callable, Callable]:
    return lambda: getattr(owner, name), lambda value: setattr(owner, name, value)


class _Bits:
    """A tensor that can be compared by ==."""

    def __init__(self, tensor):
        self.tensor = tensor
        self._bytes = tensor.numpy().tobytes()

    def __eq__(self, other):
        return self._bytes == other._bytes


class _NumpyRandom:
    """The state of NumPy's own generator, which holds an array."""

    def __init__(self, state: tuple):
        self.state = state
        self._comparable = state[1].tobytes(), state[2:]

    def __eq__(self, other):
        return self._comparable == other._comparable


def loaded(name: str) -> Any:
    """A module that is imported to its end; another thread may be at it."""
    module = sys.modules.get(name)
    return None if getattr(getattr(module, "__spec__", None), "_initializing", False) else module


def _forget_settings_of(torch) -> str | None:
    """PyTorch came in with the script: its settings shall be those of a fresh one."""
    fresh = torch.get_default_dtype() == torch.float32 and torch.is_grad_enabled()
    if fresh and torch.get_default_device().type == "cpu" and not torch.are_deterministic_algorithms_enabled():
        return None
    torch.set_default_dtype(torch.float32)
    torch.set_grad_enabled(True)
    torch.set_default_device(None)
    torch.use_deterministic_algorithms(False)
    return "PyTorch's settings"


_lock = threading.Lock()
_active: weakref.WeakSet[Guest] = weakref.WeakSet()  # one that is lost can hold up nobody
_shared: list[Any] = []  # the process as it was when the first of the active ones came
_watching: weakref.WeakSet[Guest] = weakref.WeakSet()  # those of the active ones that look for patches
_patches: list[Patches] = []  # at most one: other people's modules as they were when the first of those came


class Guest:
    """Remembers how things are when it is made.

    ``leave`` puts them back; it may be called again where an interruption ended it half-way.

    Parameters
    ----------
    prediction : bool
        Whether the call is one: its random generators go on drawing other numbers, and nobody looks for patches.
    """

    def __init__(self, prediction: bool = False):
        self._threads = set(threading.enumerate())
        self._children = set(multiprocessing.active_children())
        self._has_torch = loaded("torch") is not None
        self._own = [*_thread(), *(() if prediction else _generators())]
        with _lock:
            shared = [] if _active else _process()  # should one of these fail, nothing is noted yet
            patches = [] if prediction or _watching else [Patches()]
            _shared.extend(shared)
            _patches.extend(patches)
            _active.add(self)
            if not prediction:
                _watching.add(self)

    def leave(self) -> list[str]:
        """What had changed: "the current folder", "os.environ['X']"."""
        changed = [_put_back(one) for one in self._own]
        with _lock:
            if set(_active) == {self}:
                if not self._has_torch and (torch := loaded("torch")) is not None:
                    changed.append(_forget_settings_of(torch))
                changed += [_put_back(one) for one in _shared]
                _shared.clear()
            _active.discard(self)
            if set(_watching) == {self}:
                changed += _unpatch()
            _watching.discard(self)
        return list(dict.fromkeys(one for one in changed if one))

    def left_behind(self) -> list[str]:
        """Threads of the user's modules that go on, and processes that would be waited for at exit: "the thread 'watch'"."""
        threads = [one for one in threading.enumerate() if one not in self._threads and _is_users(one)]
        processes = [one for one in multiprocessing.active_children() if one not in self._children and _holds_up(one)]
        for one in (*threads, *processes):
            one.join(0.2)  # it may be ending
        return [f"the thread '{one.name}'" for one in threads if one.is_alive()] + [
            f"the process '{one.name}'" for one in processes if one.is_alive()
        ]


def _put_back(kept: Any) -> str | None:
    try:
        return kept.put_back()
    except Exception as error:  # the others shall be put back all the same
        return f"{getattr(kept, '_what', '') or type(kept).__name__}, which could not be put back ({error})"


def _unpatch() -> list[str]:
    try:
        changed = [name for patches in _patches for name in patches.put_back()]
    except Exception as error:
        changed = [f"functions of other modules, which could not be put back ({error})"]
    _patches.clear()
    return changed


def _is_users(thread: threading.Thread) -> bool:
    home = getattr(getattr(thread, "_target", None), "__module__", None) or type(thread).__module__
    return str(home).startswith(_SCRIPTS)


def _holds_up(process: Any) -> bool:
    """Whether Python waits for it at exit. A pool's and a DataLoader's workers are daemons, joblib's are of its own type."""
    return not process.daemon and type(process).__module__.startswith("multiprocessing.")


@contextlib.contextmanager
def guest() -> Iterator[None]:
    """The same around a block of Python."""
    one = Guest()
    try:
        yield
    finally:
        one.leave()
