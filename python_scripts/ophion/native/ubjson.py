"""Reads Universal Binary JSON (ubjson.org, draft 12), as XGBoost writes it: numbers of typed arrays become NumPy arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

_NUMBERS = {b"i": ">i1", b"U": ">u1", b"I": ">i2", b"l": ">i4", b"L": ">i8", b"d": ">f4", b"D": ">f8"}
_CONSTANTS = {b"T": True, b"F": False, b"Z": None, b"N": None}
MOST_DEEP = 64


def loads(content: bytes) -> Any:
    """Raises
    ------
    ValueError
        "it ends within an object", "the byte 0x07 at 12 begins nothing".
    """
    reader = _Reader(content)
    value = reader.value(reader.take(1), 0)
    if reader.at != len(content):
        raise ValueError(f"{len(content) - reader.at} bytes follow its end")
    return value


class _Reader:
    def __init__(self, content: bytes):
        self.content = content
        self.at = 0

    def take(self, count: int) -> bytes:
        if count < 0 or self.at + count > len(self.content):
            raise ValueError(f"it ends at byte {len(self.content)}, in the middle of a value")
        self.at += count
        return self.content[self.at - count : self.at]

    def value(self, kind: bytes, depth: int) -> Any:
        if depth > MOST_DEEP:
            raise ValueError("it is nested too deeply")
        if kind in _NUMBERS:
            return np.frombuffer(self.take(np.dtype(_NUMBERS[kind]).itemsize), _NUMBERS[kind])[0].item()
        if kind == b"S":
            return self.text()
        if kind == b"C":
            return self.take(1).decode("ascii")
        if kind in _CONSTANTS:
            return _CONSTANTS[kind]
        if kind == b"[":
            return self.array(depth)
        if kind == b"{":
            return self.object(depth)
        raise ValueError(f"the byte 0x{kind[0]:02x} at {self.at - 1} begins nothing")

    def length(self) -> int:
        kind = self.take(1)
        if kind not in (b"i", b"U", b"I", b"l", b"L"):
            raise ValueError(f"the byte 0x{kind[0]:02x} at {self.at - 1} begins no length")
        return self.value(kind, 0)

    def text(self) -> str:
        return self.take(self.length()).decode()

    def marks(self) -> tuple[bytes | None, int | None]:
        """What all items are, and how many there are, where that stands in front."""
        kind = count = None
        if self.content[self.at : self.at + 1] == b"$":
            self.take(1)
            kind = self.take(1)
        if self.content[self.at : self.at + 1] == b"#":
            self.take(1)
            count = self.length()
        if (kind is not None and count is None) or (count is not None and count < 0):
            raise ValueError(f"no count at byte {self.at}")
        return kind, count

    def array(self, depth: int) -> Any:
        kind, count = self.marks()
        if kind in _NUMBERS:
            dtype = np.dtype(_NUMBERS[kind])
            return np.frombuffer(self.take(count * dtype.itemsize), dtype).astype(dtype.newbyteorder("="))
        items = []
        while count is None or len(items) < count:
            one = kind or self.take(1)
            if count is None and one == b"]":
                break
            items.append(self.value(one, depth + 1))
        return items

    def object(self, depth: int) -> dict[str, Any]:
        kind, count = self.marks()
        found: dict[str, Any] = {}
        while count is None or len(found) < count:
            if count is None and self.content[self.at : self.at + 1] == b"}":
                self.take(1)
                break
            name = self.text()
            if name in found:
                raise ValueError(f"it has the key '{name}' twice")
            found[name] = self.value(kind or self.take(1), depth + 1)
        return found
