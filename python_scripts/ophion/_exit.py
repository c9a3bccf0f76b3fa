"""Workers of scripts at the end of a process that Ophion started Python in.

Python waits at its end for executors (concurrent.futures, joblib) to wind up and for every process of multiprocessing
that is no daemon. Ophion never ends Python, and a host must not be held up by a script's forgotten worker: executors
are told to wind up, and who is not through in time is ended.
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


def end_workers_at_exit() -> None:
    """To be called once."""
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
