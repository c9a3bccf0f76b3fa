"""The readers "hdf5" and "npy": groups, archives, matrices and structured arrays as tables."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from reading import described, read, refusal

from ophion.readers import hdf5_reader, npy_reader


def test_groups_and_tables_of_hdf5_are_trees(tmp_path, small_chunks):
    path = tmp_path / "e.h5"
    table = np.zeros(5, [("pt", ">f4"), ("values", "<f8", (2,)), ("name", "S3")])
    pt = np.array([1.5, 2.5, np.nan, 4.5, -999.0], np.float32)
    table["pt"], table["values"][:, 1] = pt, np.arange(5)
    with h5py.File(path, "w") as file:
        file["group/a"], file["group/matrix"] = np.arange(5), np.arange(10).reshape(5, 2)
        file["group/cube"], file["group/text"] = np.zeros((5, 2, 2)), ["a"] * 5
        file["group/short"] = np.arange(3)
        file.create_dataset("pandas/table", data=table, chunks=(2,), compression="gzip")
        file["pandas/_i_table/index/ranges"] = np.arange(3)
    assert hdf5_reader.trees(str(path)) == ["group", "pandas/table"]
    got = read(hdf5_reader, path, ["values", "pt"], "pandas/table")
    np.testing.assert_array_equal(got["pt"], pt)
    np.testing.assert_array_equal(got["values"][:, 1], np.arange(5))
    assert described(hdf5_reader, path, "/group") == {
        "a": ("int64", True), "cube": ("float64[2][2]", False), "matrix": ("int64[2]", True),
        "short": ("int64", True), "text": ("string", False),
    }  # fmt: skip
    np.testing.assert_array_equal(read(hdf5_reader, path, ["matrix", "a"], "group")["matrix"], np.arange(10).reshape(5, 2))
    assert "tree 'group': column 'short' has 3 rows, but 'a' has 5" in refusal(hdf5_reader, path, ["a", "short"], "group")
    assert "has 2 tables, name one of them: group, pandas/table" in refusal(hdf5_reader, path)


@pytest.mark.parametrize("dtype", [">f4", "<f2", ">f2"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_a_matrix_has_columns_x0_x1(tmp_path, order, dtype, small_chunks):
    path = tmp_path / "m.npy"
    matrix = np.arange(30, dtype=dtype).reshape(10, 3)
    np.save(path, np.asarray(matrix, order=order))
    assert described(npy_reader, path) == dict.fromkeys(["x0", "x1", "x2"], ("float32", True))
    got = read(npy_reader, path, ["x2", "x0"])
    assert got["x2"].dtype == np.float32
    np.testing.assert_array_equal(got["x2"], matrix[:, 2])
    np.testing.assert_array_equal(got["x0"], matrix[:, 0])


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_arrays_of_an_archive_are_columns(tmp_path, save, small_chunks):
    path = tmp_path / "e.npz"
    fortran = np.asfortranarray(np.arange(20.0).reshape(10, 2))
    save(path, pt=np.arange(10, dtype="f4"), m=fortran, short=np.arange(4), one=np.array(3))
    assert described(npy_reader, path) == {
        "pt": ("float32", True), "m": ("float64[2]", True), "short": ("int64", True), "one": ("int64 without rows", False),
    }  # fmt: skip
    got = read(npy_reader, path, ["m", "pt"])
    np.testing.assert_array_equal(got["m"], fortran)
    np.testing.assert_array_equal(got["pt"], np.arange(10))
    assert "column 'short' has 4 rows, but 'pt' has 10" in refusal(npy_reader, path, ["pt", "short"])


class Bomb:
    """Unpickled, it makes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (Path(self.path),)


def test_numpy_files_are_never_unpickled(tmp_path):
    np.save(tmp_path / "bomb.npy", np.array([Bomb(tmp_path / "went_off")], object), allow_pickle=True)
    np.savez(tmp_path / "bomb.npz", pt=np.array([Bomb(tmp_path / "went_off")], object))
    refusal(npy_reader, tmp_path / "bomb.npy", ["x0"])
    assert "column 'pt' is 'object'" in refusal(npy_reader, tmp_path / "bomb.npz", ["pt"])
    assert not (tmp_path / "went_off").exists()
