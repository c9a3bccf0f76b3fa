"""The same callbacks by ctypes: a C function that calls Python n times."""

import ctypes
import math

library = ctypes.CDLL(None)  # the benchmark's own program


def square(x):
    return x * x


def _caller(function):
    """calls(n), which has C call the function n times; by the shortest signature that ctypes can have."""
    signature = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double)
    loop = library.sum_of_plain_calls
    loop.argtypes, loop.restype = [signature, ctypes.c_int], ctypes.c_double
    callback = signature(function)
    return lambda n: loop(callback, n)


call_square = _caller(square)
call_exp = _caller(math.exp)
