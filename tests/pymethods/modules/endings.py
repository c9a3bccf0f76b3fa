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


def gradient():
    import torch

    x = torch.ones(256, 64, requires_grad=True)
    (x @ x.T).sum().backward()


def use_loader_workers():
    from torch.utils.data import DataLoader

    assert sum(int(batch.sum()) for batch in DataLoader(list(range(40)), batch_size=8, num_workers=2)) == 780


def exit_by_c():
    ctypes.PyDLL(None).exit(5)


def start_daemon():
    import numpy as np

    def work():
        weights = np.ones((64, 64))
        while True:
            weights @ weights

    threading.Thread(target=work, daemon=True).start()


def start_torch_daemon():
    """Nearly always inside PyTorch's C++ code, without the GIL."""
    import torch

    def work():
        model = torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.ReLU(), torch.nn.Linear(64, 1))
        x = torch.ones(256, 64)
        while True:
            model(x).sum().backward()

    threading.Thread(target=work, daemon=True).start()


def start_helper_for_exit():
    """An exit function that waits for a thread, as those of loggers do."""
    ended = threading.Event()
    stop = threading.Event()

    def work():
        stop.wait()
        print("helper ended")
        ended.set()

    def at_exit():
        stop.set()
        ended.wait()
        print("helper was waited for")

    threading.Thread(target=work, daemon=True).start()
    atexit.register(at_exit)


def start_endless_thread():
    def work():
        while True:
            pass

    threading.Thread(target=work).start()
