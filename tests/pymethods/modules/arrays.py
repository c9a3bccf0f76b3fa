"""What arrays look like from Python, and arrays of every kind as results."""

import numpy as np
import torch

kept = []


def divide_by_zero():
    return np.array([0.0, 1.0]) / 0


def facts(x):
    return {"shape": list(x.shape), "dtype": str(x.dtype), "values": x.tolist(), "writeable": bool(x.flags.writeable),
            "c": bool(x.flags.c_contiguous), "aligned": bool(x.flags.aligned)}


def write(x):
    x[0, 0] = 7


def keep(x):
    kept.append(x)


def keep_part(x):
    kept.append(x[1:, :1].T)


def keep_tensor(x):
    kept.append(torch.from_numpy(x))


def keep_in_cycle(x):
    cycle = {"x": x}
    cycle["self"] = cycle


def forget():
    kept.clear()


RESULTS = {
    "float32": lambda: np.array([1, 2, 3], np.float32),
    "float64": lambda: np.array([1, 2, 3], np.float64),
    "float16": lambda: np.array([1, 2, 3], np.float16),
    "longdouble": lambda: np.array([1, 2, 3], np.longdouble),
    "int8": lambda: np.array([1, 2, 3], np.int8),
    "uint64": lambda: np.array([1, 2, 3], np.uint64),
    "bool": lambda: np.array([True, False, True]),
    "big_endian": lambda: np.array([1, 2, 3], ">f4"),
    "reversed": lambda: np.array([3, 2, 1], np.float32)[::-1],
    "every_second": lambda: np.array([1, 0, 2, 0, 3, 0], np.float32)[::2],
    "column": lambda: np.array([[1], [2], [3]], np.float32),
    "list": lambda: [1, 2.0, 3],
    "tensor": lambda: torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64),
    "with_gradient": lambda: torch.tensor([1.0, 2.0, 3.0], requires_grad=True) * 1,
    "bfloat16": lambda: torch.tensor([1.0, 2.0, 3.0], dtype=torch.bfloat16),
    "fortran": lambda: np.asfortranarray(np.arange(12, dtype=np.float32).reshape(3, 4)),
    "none": lambda: None,
    "wide": lambda: np.zeros((3, 2), np.float32),
    "short": lambda: np.zeros(2, np.float32),
    "scalar": lambda: 0.5,
    "complex": lambda: np.zeros(3, np.complex64),
    "text": lambda: np.array(["a", "b", "c"]),
    "objects": lambda: np.array([1, None, 3], object),
    "with_none": lambda: [1, None, 3],
    "ragged": lambda: [[1], [2, 3], [4]],
    "nan": lambda: np.array([1, np.nan, 3]),
    "not_a_number": lambda: {"a": 1},
}


def result(name):
    return RESULTS[name]()
