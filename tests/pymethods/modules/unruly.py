"""What scripts do to the process they are guests in."""

import faulthandler
import gc
import locale
import logging
import os
import random
import signal
import sys
import warnings

import numpy as np
import torch


def chdir():
    os.chdir("/")


def environment():
    os.environ["OPHION_TEST_UNRULY"] = "1"
    os.environ.pop("OPHION_TEST_KEPT", None)


def faults():
    faulthandler.enable()


def alarm():
    signal.setitimer(signal.ITIMER_REAL, 3600)


def flush_to_zero():
    torch.set_flush_denormal(True)



def everything():
    chdir()
    environment()
    faults()
    alarm()
    flush_to_zero()
    sys.path.insert(0, "/nowhere")
    sys.stdout = open(os.devnull, "w")
    sys.setrecursionlimit(5000)
    gc.disable()
    locale.setlocale(locale.LC_ALL, "C")
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("error")
    np.seterr(all="raise")
    np.set_printoptions(precision=1)
    torch.set_default_dtype(torch.float64)
    torch.set_grad_enabled(False)


def draw():
    random.seed(1)
    np.random.seed(1)
    torch.manual_seed(1)


def recurse():
    recurse()


class Mute(Exception):
    def __str__(self):
        raise RuntimeError("no words")


def mute():
    raise Mute


def exit_loudly():
    sys.exit("enough")


def fall_apart():
    everything()
    raise ValueError("enough")


def print_megabytes():
    for _ in range(8 * 1024):
        print("x" * 1024)
