"""What Python makes of a buffer, and who borrows from it."""

import array
import ctypes
import importlib

import numpy as np


class OnlyStruct:
    """Shows NumPy the struct of the array interface and nothing else."""

    def __init__(self, buffer):
        self.buffer = buffer

    @property
    def __array_struct__(self):
        return self.buffer.__array_struct__


class OnlyInterface:
    """The same of the dict."""

    def __init__(self, buffer):
        self.buffer = buffer

    @property
    def __array_interface__(self):
        return self.buffer.__array_interface__


class OnlyDlpack:
    """The same of DLPack; on the device that is said, or by a library that knows no versions."""

    def __init__(self, tensor, device=(1, 0), versions=True):
        self.tensor, self.device, self.versions = tensor, device, versions

    def __dlpack_device__(self):
        return self.device

    def __dlpack__(self, **keywords):
        if keywords and not self.versions:
            raise TypeError("__dlpack__() takes no keyword arguments")
        return self.tensor.__dlpack__(**keywords)


class OnCuda:
    __cuda_array_interface__ = {"shape": (1,), "typestr": "<f4", "data": (1, False), "version": 3}


def torch():
    return importlib.import_module("torch")


def pyarrow():
    return importlib.import_module("pyarrow")


def address(x):
    if isinstance(x, np.ndarray):
        return x.ctypes.data
    if hasattr(x, "data_ptr"):
        return x.data_ptr()
    if hasattr(x, "address"):
        return x.address
    if isinstance(x, OnlyDlpack):
        return address(x.tensor)
    if isinstance(x, bytes):
        x = np.frombuffer(x, np.uint8)
    return np.asarray(x).ctypes.data


def name(capsule):
    get = ctypes.pythonapi.PyCapsule_GetName
    get.restype, get.argtypes = ctypes.c_char_p, [ctypes.py_object]
    return get(capsule).decode()


def hit_type():
    """The struct Hit of the tests, as NumPy lays it out by C's rules."""
    point = np.dtype([("x", "f4"), ("y", "f8")], align=True)
    return np.dtype([("ok", "?"), ("run", "i4"), ("place", point), ("charges", "i2", (3,)), ("matrix", "f4", (2, 3))], align=True)


NAMES = dict(globals())
kept = {}


def say(code, b):
    """The value of an expression over a buffer b, or the exception, as text."""
    try:
        return str(eval(code, NAMES, {"b": b}))
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def make(code):
    """The value itself."""
    return eval(code, NAMES)


def keep(code, b):
    kept[code] = eval(code, NAMES, {"b": b})


def total_of_kept(code):
    """The sum of what was kept, read from the memory now."""
    x = kept[code]
    if hasattr(x, "to_pybytes"):
        x = np.frombuffer(x, np.float32)
    return float(sum(x))


def forget(code):
    del kept[code]


def take(code, b):
    """What an expression over a buffer b gives."""
    return eval(code, NAMES, {"b": b})
