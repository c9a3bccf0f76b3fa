"""What shared_memory.cpp calls: NumPy over the program's memory."""

import numpy as np


def calibrate(hits):
    """Corrects the energies in place."""
    hits = np.asarray(hits)
    hits["energy"] *= 1.5
    return hits


def fill_squares(matrix):
    matrix = np.asarray(matrix)
    matrix[:] = np.arange(matrix.size).reshape(matrix.shape) ** 2


def make_weights():
    return np.arange(8, dtype=np.float32).reshape(2, 4).T  # any strides
