"""What Python knows of the process, so that a test can compare before and after."""

import gc
import locale
import logging
import os
import random
import sys
import warnings

import numpy as np
import torch

import ophion._threads  # noqa: F401  threadpoolctl sets a variable when it is imported


def prepare():
    os.environ["OPHION_TEST_KEPT"] = "kept"


def facts():
    found = {
        "folder": os.getcwd(),
        "environment": hash(tuple(sorted(os.environ.items()))),
        "path": (id(sys.path), sys.path),
        "stdout": id(sys.stdout),
        "recursion": sys.getrecursionlimit(),
        "gc": gc.isenabled(),
        "locale": locale.setlocale(locale.LC_ALL),
        "logging": logging.root.manager.disable,
        "warnings": warnings.filters,
        "errors": np.geterr(),
        "print": np.get_printoptions(),
        "dtype": torch.get_default_dtype(),
        "gradients": torch.is_grad_enabled(),
        "threads": torch.get_num_threads(),
        "random": (hash(random.getstate()), np.random.get_state()[1].sum(), torch.get_rng_state().sum().item()),
    }
    return [f"{name}: {value}" for name, value in found.items()]
