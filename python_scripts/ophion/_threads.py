"""Limits on the threads that BLAS, OpenMP and PyTorch use in a call."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterator
from typing import Callable

import threadpoolctl


class _ThreadLimiter:
    """The limits of calls that run at once, in any threads.

    OpenMP's number of threads is each thread's own; BLAS's and PyTorch's are the process's: the first call that limits them
    notes what they were, the last one gives that back. Looking for the libraries takes a millisecond, too long for every
    call: they are remembered.
    """

    def __init__(self):
        self._lock = threading.Lock()
        self._libraries: list[threadpoolctl.LibController] = []
        self._modules_seen = 0
        self._calls = 0
        self._before: list[tuple[Callable[[int], None], int]] = []

    def enter(self, count: int) -> list[tuple[Callable[[int], None], int]]:
        """Limit all of them; what this thread must give back."""
        with self._lock:
            if len(sys.modules) != self._modules_seen:
                self._libraries = threadpoolctl.ThreadpoolController().lib_controllers
                self._modules_seen = len(sys.modules)
            openmp = [library for library in self._libraries if library.user_api == "openmp"]
            own = [(library.set_num_threads, library.num_threads) for library in openmp]
            torch = getattr(sys.modules.get("torch"), "set_num_threads", None)
            if self._calls == 0:
                others = [library for library in self._libraries if library.user_api != "openmp"]
                self._before = [(library.set_num_threads, library.num_threads) for library in others]
                if torch is not None:
                    self._before.append((torch, sys.modules["torch"].get_num_threads()))
            self._calls += 1
            if torch is not None:
                torch(count)
            for library in self._libraries:
                library.set_num_threads(count)
        return own

    def leave(self, own: list[tuple[Callable[[int], None], int]]) -> None:
        with self._lock:
            self._calls -= 1
            for give_back, before in [*(self._before if self._calls == 0 else ()), *own]:
                give_back(before)


_limiter = _ThreadLimiter()


@contextlib.contextmanager
def limit_threads(count: int) -> Iterator[None]:
    """Let BLAS, OpenMP and PyTorch use at most `count` threads; when all such calls are over, they use as many as before.

    Libraries that are imported inside are not limited.
    """
    own = _limiter.enter(count)
    try:
        yield
    finally:
        _limiter.leave(own)
