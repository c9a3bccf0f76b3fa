"""What readers give and how they refuse, for tests."""

import numpy as np
import pytest

from ophion.errors import DataError


def read(reader, path, names, tree=""):
    """All chunks of a file put together."""
    chunks = list(reader.open(str(path), tree, names))
    for chunk in chunks:
        assert list(chunk) == list(names)
        assert len({len(array) for array in chunk.values()}) == 1
        assert all(array.dtype.isnative for array in chunk.values())
    return {name: np.concatenate([chunk[name] for chunk in chunks]) for name in names}


def described(reader, path, tree=""):
    found = reader.describe(str(path), tree)
    return {name: (kind, numeric) for name, kind, numeric in found["columns"]}


def refusal(reader, path, names=("pt",), tree=""):
    """The text of the error that reading ends with."""
    with pytest.raises(DataError) as error:
        list(reader.open(str(path), tree, list(names)))
    assert str(path) in str(error.value)
    return str(error.value)
