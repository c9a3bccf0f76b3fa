"""Worker processes of scripts, in a Python that Ophion started in somebody's program.

**How they start.** A fork takes along the memory of a program with many threads, but none of the threads: whatever one
of them had locked stays locked, and GNU's OpenMP waits for its own for ever. So multiprocessing (and with it a
DataLoader) starts workers from a server process, as Python itself does from version 3.14 on. The server has imported
PyTorch already, so that a worker is there at once. A script that asks for "fork" gets it.

**How they end.** Python waits at its end for executors (concurrent.futures, joblib) to wind up and for every process of
multiprocessing that is no daemon. Ophion never ends Python, and a host must not be held up by a script's forgotten
worker: executors are told to wind up, and who is not through in time is ended.
"""

from __future__ import annotations

import atexit
import contextlib
import multiprocessing
import multiprocessing.util  # its own exit function, which waits for ever, was registered before ours and so runs after
import os
import threading
import time

PATIENCE = 1.5  # seconds


def look_after_workers() -> None:
    """To be called once, before any user's code has run."""
    if multiprocessing.get_start_method(allow_none=True) is None:
        multiprocessing.set_start_method("forkserver")
        multiprocessing.set_forkserver_preload(["torch"])  # where there is none, it does without
    atexit.register(_end_workers, os.getpid())


def _end_workers(process: int) -> None:
    if os.getpid() != process:  # a forked child
        return
    last = time.monotonic() + PATIENCE
    winding_up = threading.Thread(target=_wind_up, daemon=True)
    winding_up.start()
    winding_up.join(PATIENCE)
    for one in multiprocessing.active_children():
        if not one.daemon:
            one.join(max(0.0, last - time.monotonic()))
            if one.is_alive():
                one.kill()


def _wind_up() -> None:
    # What concurrent.futures and joblib register by threading._register_atexit: Python's own end calls them like this.
    for function in reversed(getattr(threading, "_threading_atexits", [])):
        with contextlib.suppress(Exception):
            function()
