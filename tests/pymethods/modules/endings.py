"""What may go on in Python when a process ends."""

import atexit
import ctypes
import sys
import threading


def register():
    atexit.register(print, "exit function ran")


def print_unfinished():
    sys.stdout.write("unfinished line ")


def add():
    return sum(range(100))


def tensor():
    import torch

    return torch.nn.Linear(3, 2)(torch.ones(3)).sum()


def exit_by_c():
    ctypes.PyDLL(None).exit(5)


def start_daemon():
    """NumPy's work: a thread in PyTorch's backward crashes at exit, under plain Python too (PyTorch's own exit function takes
    its operators away meanwhile)."""
    import numpy as np

    def work():
        weights = np.ones((64, 64))
        while True:
            weights @ weights

    threading.Thread(target=work, daemon=True).start()


def start_endless_thread():
    def work():
        while True:
            pass

    threading.Thread(target=work).start()
