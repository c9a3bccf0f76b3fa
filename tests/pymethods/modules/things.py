"""Python values of every kind, for conversions."""

import array
import collections
import datetime
import decimal
import enum
import fractions

import numpy as np

UTC = datetime.timezone.utc


class Number(int):
    pass


class Text(str):
    pass


class Names(dict):
    pass


class Level(enum.IntEnum):
    low = 3


class Tensor:
    """What other libraries' arrays have in common."""

    dtype = "float32"

    def __len__(self):
        return 2

    def __getitem__(self, index):
        return Tensor()

    def __index__(self):
        raise TypeError("only tensors of one element")

    def tolist(self):
        return [1.0, 2.0]


class Angle:
    def __float__(self):
        raise ValueError("no angle without a unit")


class Shrinking:
    """A number that empties the list it is in while it is read."""

    def __init__(self, home):
        self.home = home

    def __float__(self):
        self.home.clear()
        return 1.5


def shrinking_list():
    home = []
    home.extend([Shrinking(home), 2.0, 3.0])
    return home


def holds_itself():
    cycle = {"a": []}
    cycle["a"].append(cycle)
    return cycle


def nested(depth):
    value = 1
    for _ in range(depth):
        value = [value]
    return value


def in_zone_of(hours):
    return datetime.timezone(datetime.timedelta(hours=hours))


THINGS = {
    "int": 42,
    "big": 2**70,
    "huge": 10**5000,
    "number": Number(7),
    "level": Level.low,
    "int8": np.int8(-5),
    "uint64": np.uint64(2**64 - 1),
    "true": True,
    "np_true": np.bool_(True),
    "float": 2.5,
    "float32": np.float32(0.1),
    "huge_float": 1e300,
    "infinity": float("inf"),
    "fraction": fractions.Fraction(1, 4),
    "decimal": decimal.Decimal("0.5"),
    "complex": 1j,
    "angle": Angle(),
    "str": "é\U0001f600",
    "text": Text("sub"),
    "bad_bytes": b"a\xff".decode("utf-8", "surrogateescape"),
    "lone_surrogate": "\ud800",
    "bytes": b"\x00\x01\xff",
    "bytearray": bytearray(b"ab"),
    "memoryview": memoryview(b"abcd")[1:3],
    "strided_bytes": memoryview(b"abcd")[::2],
    "none": None,
    "list": [1, 2, 3],
    "tuple": (1, 2, 3),
    "range": range(3),
    "deque": collections.deque([1, 2]),
    "array": array.array("i", [4, 5]),
    "set": {1},
    "generator": (i for i in range(3)),
    "ndarray": np.array([[1, 2], [3, 4]]),
    "scalar_array": np.array(2.5),
    "float_array": np.array([0.5, 1.5], dtype=np.float32),
    "tensor": Tensor(),
    "dict": {"a": 1, "b": 2},
    "names": Names(x=1),
    "counter": collections.Counter("aab"),
    "int_keys": {1: "one", 2: "two"},
    "fits": {"fits": [{"chi2": 1.0}, {"chi2": 2.0}, {"chi2": 3.0}, {"chi2": "bad"}]},
    "mixed": ("a", 1, [0.5, 1.5]),
    "optional": [1, None, 3],
    "aware": datetime.datetime(2024, 2, 29, 14, 30, 15, 250000, tzinfo=in_zone_of(2)),
    "naive": datetime.datetime(2024, 7, 1, 12, 0, 0),
    "early": datetime.datetime(1066, 10, 14, tzinfo=UTC),
    "date": datetime.date(2024, 1, 1),
    "datetime64": np.datetime64("2024-01-01T00:00:00"),
    "numpy_complex": np.complex128(1j),
}


def shown(value):
    """How Python writes it, with its type."""
    return f"{type(value).__name__} {value!r}"
