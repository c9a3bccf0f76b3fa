"""Readers: what they say about files, what they give, and how they refuse."""

import gzip
import os
import subprocess
import sys
from pathlib import Path

import awkward as ak
import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import uproot

from ophion.errors import DataError
from ophion.readers import columns as shared
from ophion.readers import csv_reader, hdf5_reader, npy_reader, parquet_reader, root_reader

DATA = os.environ.get("OPHION_DATA")
READERS = {"root": root_reader, "parquet": parquet_reader, "csv": csv_reader, "h5": hdf5_reader, "npy": npy_reader}
EVENT = np.array([2**53 + 1, 2, 3, 4, 5], np.int64)  # the first is no double
PT = np.array([1.5, 2.5, np.nan, 4.5, -999.0], np.float32)


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


@pytest.fixture
def small_chunks(monkeypatch):
    """Chunks of 64 bytes, so that five events are several."""
    for module in (shared, csv_reader):
        monkeypatch.setattr(module, "CHUNK_BYTES", 64)


def make(kind, path):
    """The same five events in each format."""
    if kind == "root":
        with uproot.recreate(path) as file:
            file.mktree("events", {"event": "int64", "pt": "float32"}).extend({"event": EVENT, "pt": PT})
    elif kind == "parquet":
        pq.write_table(pa.table({"event": EVENT, "pt": PT}), path)
    elif kind == "csv":
        rows = (f"{event},{'' if np.isnan(pt) else pt}\n" for event, pt in zip(EVENT, PT))
        path.write_text("event,pt\n" + "".join(rows))
    elif kind == "h5":
        with h5py.File(path, "w") as file:
            file["event"], file["pt"] = EVENT, PT
    else:
        events = np.zeros(5, [("event", "<i8"), ("pt", "<f4")])
        events["event"], events["pt"] = EVENT, PT
        np.save(path, events)
    return path


@pytest.mark.parametrize("kind", READERS)
def test_the_same_events_come_out_of_every_format(kind, tmp_path, small_chunks):
    path = make(kind, tmp_path / f"events.{kind}")
    info = READERS[kind].describe(str(path), "")
    assert [column[0] for column in info["columns"]] == ["event", "pt"]
    assert info["rows"] == (None if kind == "csv" else 5)
    assert described(READERS[kind], path)["event"] == ("int64", True)
    both = read(READERS[kind], path, ["pt", "event"])
    np.testing.assert_array_equal(both["event"], EVENT)
    np.testing.assert_array_equal(both["pt"], PT)
    assert both["event"].dtype == np.int64
    assert both["pt"].dtype == (np.float64 if kind == "csv" else np.float32)


@pytest.mark.parametrize("kind", READERS)
def test_a_missing_column_is_named_with_the_nearest(kind, tmp_path):
    path = make(kind, tmp_path / f"events.{kind}")
    assert "no column 'evnt'; nearest: event" in refusal(READERS[kind], path, ["evnt"])


@pytest.mark.parametrize("kind", READERS)
def test_a_file_that_is_not_there_is_named_with_the_nearest(kind, tmp_path):
    make(kind, tmp_path / f"events.{kind}")
    message = refusal(READERS[kind], tmp_path / f"event.{kind}")
    assert f"no such file; nearest: events.{kind}" in message


@pytest.mark.parametrize("kind", READERS)
def test_folders_and_empty_files_are_refused(kind, tmp_path):
    (tmp_path / "empty").touch()
    assert "is empty (0 bytes)" in refusal(READERS[kind], tmp_path / "empty")
    assert "is a folder, expected a file" in refusal(READERS[kind], tmp_path)
    with pytest.raises(DataError, match="is a folder"):
        READERS[kind].describe(str(tmp_path), "")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_refused(tmp_path):
    path = make("csv", tmp_path / "events.csv")
    path.chmod(0)
    assert "can't be opened: Permission denied" in refusal(csv_reader, path)


@pytest.mark.parametrize("kind", ["root", "parquet", "h5", "npy"])
def test_cut_off_and_foreign_files_are_refused(kind, tmp_path):
    whole = make(kind, tmp_path / f"whole.{kind}").read_bytes()
    for length in (3, len(whole) // 3, len(whole) * 2 // 3, len(whole) - 8):
        path = tmp_path / f"cut{length}.{kind}"
        path.write_bytes(whole[:length])
        with pytest.raises(DataError) as error:
            READERS[kind].describe(str(path), "")
            list(READERS[kind].open(str(path), "", ["event", "pt"]))
        assert str(path) in str(error.value)
    path = tmp_path / f"text.{kind}"
    path.write_text("these are no events\n" * 100)
    assert "damaged, cut off, or no" in refusal(READERS[kind], path)


@pytest.mark.parametrize("kind", ["parquet", "csv", "npy"])
def test_a_tree_is_refused_where_the_format_has_none(kind, tmp_path):
    path = make(kind, tmp_path / f"events.{kind}")
    assert READERS[kind].trees(str(path)) == [""]
    assert "has no trees, but tree 'events' was asked for" in refusal(READERS[kind], path, tree="events")


def test_asking_for_no_column_is_refused(tmp_path):
    assert "no column was asked for" in refusal(parquet_reader, make("parquet", tmp_path / "e.parquet"), [])


# ROOT


@pytest.fixture
def kinds(tmp_path):
    """A TTree and an RNTuple with columns of every kind, the tree in a folder and in two cycles."""
    path = tmp_path / "kinds:of columns.root"  # a colon in a name is not the path of a tree
    table = {
        "f": np.arange(5, dtype="f4"),
        "flag": np.array([1, 0, 1, 1, 0], bool),
        "u2": np.arange(5, dtype="u2"),
        "fixed": np.arange(15, dtype="f8").reshape(5, 3),
        "jagged": ak.Array([[1.0, 2.0], [], [3.0], [4.0], [5.0]]),
        "text": ak.Array(["a", "b", "c", "d", "e"]),
    }
    types = {"f": "f4", "flag": "?", "u2": "u2", "fixed": np.dtype(("f8", (3,)))}
    types |= {"jagged": "var * float64", "text": "string"}
    ntuple = ak.Array({**{k: v for k, v in table.items() if k != "fixed"}, "point": ak.zip({"x": np.arange(5.0)})})
    ntuple["fixed"] = ak.from_numpy(table["fixed"], regulararray=True)
    with uproot.recreate(open(path, "w+b")) as file:
        file.mktree("folder/tree", types).extend(table)
        file.mktree("cycles", {"x": "f4"}).extend({"x": np.arange(2)})
        file.mktree("cycles", {"x": "f4"}).extend({"x": np.arange(3)})
        file.mkrntuple("ntuple", ntuple)
    return path


@pytest.mark.parametrize("tree", ["folder/tree", "ntuple"])
def test_trees_and_ntuples_give_numbers_and_fixed_arrays(kinds, tree, small_chunks):
    got = read(root_reader, kinds, ["fixed", "u2", "flag", "f"], tree)
    np.testing.assert_array_equal(got["fixed"], np.arange(15).reshape(5, 3))
    np.testing.assert_array_equal(got["u2"], np.arange(5))
    np.testing.assert_array_equal(got["flag"], [True, False, True, True, False])
    assert {name: array.dtype.name for name, array in got.items()} == {
        "fixed": "float64", "u2": "uint16", "flag": "bool", "f": "float32"
    }  # fmt: skip
    kinds_found = described(root_reader, kinds, tree)
    assert kinds_found["fixed"] == ("float64[3]", True)
    assert not kinds_found["jagged"][1] and not kinds_found["text"][1]


def test_jagged_text_and_nested_columns_are_refused_with_their_type(kinds):
    jagged = refusal(root_reader, kinds, ["jagged"], "folder/tree")
    assert "column 'jagged' is 'double[]', expected one number an event" in jagged
    assert "column 'text' is 'std::string'" in refusal(root_reader, kinds, ["text"], "ntuple")
    assert "column 'point.x' is 'double inside 'point''" in refusal(root_reader, kinds, ["point.x"], "ntuple")


def test_trees_are_listed_without_cycles_and_the_newest_is_read(kinds):
    assert root_reader.trees(str(kinds)) == ["folder/tree", "cycles", "ntuple"]
    np.testing.assert_array_equal(read(root_reader, kinds, ["x"], "cycles")["x"], [0, 1, 2])


def test_the_tree_must_be_named_where_there_are_several(kinds):
    assert "has 3 trees, name one of them: folder/tree, cycles, ntuple" in refusal(root_reader, kinds, ["f"])
    assert "no tree 'cycle'; nearest: cycles; it has:" in refusal(root_reader, kinds, ["f"], "cycle")


def test_a_root_file_without_trees_is_refused(tmp_path):
    with uproot.recreate(tmp_path / "histogram.root") as file:
        file["h"] = np.histogram(np.arange(5))
    assert "has no tree" in refusal(root_reader, tmp_path / "histogram.root")


def test_branch_names_are_taken_literally(tmp_path):
    names = ["a-b", "x.y", "*", "sqrt(x)", "x+y"]
    with uproot.recreate(tmp_path / "odd.root") as file:
        file.mktree("t", dict.fromkeys(names, "f4")).extend({name: np.full(2, i, "f4") for i, name in enumerate(names)})
    plain = [name for name in described(root_reader, tmp_path / "odd.root")]
    got = read(root_reader, tmp_path / "odd.root", plain)
    assert [got[name][0] for name in plain] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("form", ["tree", "ntuple"])
def test_baskets_and_clusters_that_end_elsewhere_lose_no_event(tmp_path, form, monkeypatch):
    monkeypatch.setattr(shared, "CHUNK_BYTES", 12 * 700)
    path = tmp_path / "many.root"
    entries = np.arange(10_000)
    with uproot.recreate(path) as file:
        types = {"n": "int64", "x": "float32"}
        tree = file.mktree("t", types) if form == "tree" else file.mkrntuple("t", types)
        for part in np.array_split(entries, [50, 60, 3000, 3001, 9000]):
            tree.extend({"n": part, "x": part.astype("f4")})
    sizes = [len(chunk["n"]) for chunk in root_reader.open(str(path), "", ["n", "x"])]
    assert max(sizes) <= 700
    got = read(root_reader, path, ["n", "x"])
    np.testing.assert_array_equal(got["n"], entries)
    np.testing.assert_array_equal(got["x"], entries)


def test_a_cluster_is_decompressed_once(tmp_path, monkeypatch):
    path = tmp_path / "clusters.root"
    with uproot.recreate(path) as file:
        ntuple = file.mkrntuple("t", {"x": "float32", "y": "float32"})
        for start in range(6):
            ntuple.extend({"x": np.full(1000, start, "f4"), "y": np.arange(1000, dtype="f4")})
    pages = []
    read_page = uproot.models.RNTuple.Model_ROOT_3a3a_RNTuple.read_page
    monkeypatch.setattr(
        uproot.models.RNTuple.Model_ROOT_3a3a_RNTuple, "read_page",
        lambda *arguments, **options: pages.append(1) or read_page(*arguments, **options),
    )  # fmt: skip
    monkeypatch.setattr(shared, "CHUNK_BYTES", 8 * 300)
    np.testing.assert_array_equal(read(root_reader, path, ["x"])["x"], np.repeat(np.arange(6), 1000))
    assert len(pages) == 6
    monkeypatch.setattr(shared, "CHUNK_BYTES", 4 * 2500)
    pages.clear()
    np.testing.assert_array_equal(read(root_reader, path, ["x"])["x"], np.repeat(np.arange(6), 1000))
    assert len(pages) == 6


@pytest.mark.parametrize("kind", READERS)
def test_a_table_without_events_gives_columns_and_no_chunk(kind, tmp_path):
    path = tmp_path / f"none.{kind}"
    if kind == "root":
        with uproot.recreate(path) as file:
            file.mktree("t", {"pt": "f4"})
    elif kind == "parquet":
        pq.write_table(pa.table({"pt": np.zeros(0, "f4")}), path)
    elif kind == "csv":
        path.write_text("pt,eta\n")
    elif kind == "h5":
        with h5py.File(path, "w") as file:
            file["pt"] = np.zeros(0, "f4")
    else:
        np.save(path, np.zeros(0, [("pt", "f4")]))
    assert described(READERS[kind], path)["pt"][1]
    assert sum(len(chunk["pt"]) for chunk in READERS[kind].open(str(path), "", ["pt"])) == 0


def test_a_damaged_basket_is_an_error_of_the_file(tmp_path):
    path = tmp_path / "damaged.root"
    with uproot.recreate(path) as file:
        file.mktree("t", {"x": "f8"}).extend({"x": np.random.default_rng(1).integers(0, 9, 20_000).astype("f8")})
    with uproot.open(path) as file:
        seek = int(file["t"]["x"].member("fBasketSeek")[0])
    content = bytearray(path.read_bytes())
    content[seek + 100 : seek + 4000] = bytes(3900)
    path.write_bytes(content)
    assert "damaged, cut off, or no ROOT file" in refusal(root_reader, path, ["x"])


# Parquet


def test_missing_floats_are_nan_and_missing_integers_are_counted(tmp_path):
    path = tmp_path / "nulls.parquet"
    columns = [pa.array([1, None, 3], pa.float32()), pa.array([1, None, None]), pa.array([True, None, False])]
    pq.write_table(pa.table(columns, names=["f", "n", "flag"]), path, row_group_size=2)
    got = read(parquet_reader, path, ["f"])["f"]
    assert got.dtype == np.float32
    np.testing.assert_array_equal(got, [1, np.nan, 3])
    assert "column 'n' (int64) has 2 missing values, expected none" in refusal(parquet_reader, path, ["n"])
    assert "column 'flag' (bool) has 1 missing values" in refusal(parquet_reader, path, ["flag"])


def test_lists_text_and_dates_of_parquet_are_no_numbers(tmp_path):
    path = tmp_path / "kinds.parquet"
    table = pa.table({
        "jagged": [[1.0], [2.0, 3.0]], "text": ["a", "b"], "word": pa.array(["a", "b"]).dictionary_encode(),
        "time": pa.array([1, 2], pa.timestamp("s")), "half": np.array([1, 2], "f2"),
        "fixed": pa.FixedSizeListArray.from_arrays(pa.array(np.arange(6, dtype="f4")), 3),
    })  # fmt: skip
    pq.write_table(table, path)
    assert [name for name, (_, numeric) in described(parquet_reader, path).items() if numeric] == ["half", "fixed"]
    got = read(parquet_reader, path, ["half", "fixed"])
    np.testing.assert_array_equal(got["fixed"], [[0, 1, 2], [3, 4, 5]])
    assert got["half"].dtype == np.float32
    assert "column 'jagged' is 'list<element: double>'" in refusal(parquet_reader, path, ["jagged"])


def test_a_missing_fixed_list_is_refused_not_shifted(tmp_path):
    path = tmp_path / "lists.parquet"
    pq.write_table(pa.table({"v": pa.array([[1.0, 2.0], None, [3.0, 4.0]], pa.list_(pa.float64(), 2))}), path)
    assert "column 'v' (fixed_size_list<element: double>[2]) has 1 missing values" in refusal(parquet_reader, path, ["v"])


def test_two_columns_of_one_name_are_refused_only_when_asked_for(tmp_path):
    path = tmp_path / "twice.parquet"
    pq.write_table(pa.Table.from_arrays([pa.array([1]), pa.array([2]), pa.array([3])], names=["a", "a", "b"]), path)
    assert "column 'a' is '2 columns of this name'" in refusal(parquet_reader, path, ["a"])
    assert read(parquet_reader, path, ["b"])["b"] == [3]


# CSV


def test_tabs_compression_comments_and_byte_order_marks_are_read(tmp_path):
    (tmp_path / "e.tsv").write_text("a\tb\n1\t2\n")
    (tmp_path / "e.csv.gz").write_bytes(gzip.compress(b"a,b\n1,2\n"))
    (tmp_path / "c.csv").write_text("# made by hand\n#\na,b\n1,2\n")
    (tmp_path / "bom.csv").write_bytes(b"\xef\xbb\xbfa,b\r\n1,2\r\n")
    for path in tmp_path.iterdir():
        assert read(csv_reader, path, ["b", "a"]) == {"b": [2], "a": [1]}, path


def test_a_column_of_integers_that_later_has_fractions_is_one_of_floats(tmp_path, small_chunks):
    path = tmp_path / "late.csv"
    path.write_text("n,m,id\n" + "1,1,7\n" * 100 + "1.5,1,7\n" + "2,,9007199254740993\n")
    got = read(csv_reader, path, ["m", "n", "id"])
    assert (got["n"][100], got["n"][101]) == (1.5, 2.0)
    assert got["n"].dtype == got["m"].dtype == np.float64 and np.isnan(got["m"][101])
    assert got["id"].dtype == np.int64 and got["id"][101] == 9007199254740993


def test_a_column_that_turns_into_text_is_named_with_its_line(tmp_path, small_chunks):
    path = tmp_path / "text.csv"
    path.write_text("# note\nid,pt\n" + "1,2.5\n" * 100 + "1,wide\n")
    assert f"{path}, line 103: column 'pt': expected double, found invalid value 'wide'" == refusal(csv_reader, path)


def test_text_columns_of_csv_are_no_numbers(tmp_path):
    (tmp_path / "t.csv").write_text("pt,word\n1,a\n")
    assert described(csv_reader, tmp_path / "t.csv") == {"pt": ("int64", True), "word": ("string", False)}
    assert "column 'word' is 'string'" in refusal(csv_reader, tmp_path / "t.csv", ["word"])


def test_a_csv_without_header_or_with_a_short_line_is_refused(tmp_path):
    (tmp_path / "no.csv").write_text("1.5,2.5\n3,4\n")
    no_header = refusal(csv_reader, tmp_path / "no.csv")
    assert "expected a first line with the columns' names, found numbers: 1.5, 2.5" in no_header
    (tmp_path / "short.csv").write_text("pt,eta\n1,2\n3\n")
    assert "Row #3: Expected 2 columns, got 1" in refusal(csv_reader, tmp_path / "short.csv")
    (tmp_path / "twice.csv").write_text("pt,pt\n1,2\n")
    assert "column 'pt' is '2 columns of this name'" in refusal(csv_reader, tmp_path / "twice.csv")


def test_a_cut_off_compressed_file_is_refused(tmp_path):
    text = "pt\n" + "\n".join(map(str, np.random.default_rng(1).normal(size=5000)))
    whole = gzip.compress(text.encode())
    (tmp_path / "cut.csv.gz").write_bytes(whole[: len(whole) // 2])
    assert "cut.csv.gz" in refusal(csv_reader, tmp_path / "cut.csv.gz")


# HDF5


def test_groups_and_tables_of_hdf5_are_trees(tmp_path, small_chunks):
    path = tmp_path / "e.h5"
    table = np.zeros(5, [("pt", ">f4"), ("values", "<f8", (2,)), ("name", "S3")])
    table["pt"], table["values"][:, 1] = PT, np.arange(5)
    with h5py.File(path, "w") as file:
        file["group/a"], file["group/matrix"] = np.arange(5), np.arange(10).reshape(5, 2)
        file["group/cube"], file["group/text"] = np.zeros((5, 2, 2)), ["a"] * 5
        file["group/short"] = np.arange(3)
        file.create_dataset("pandas/table", data=table, chunks=(2,), compression="gzip")
        file["pandas/_i_table/index/ranges"] = np.arange(3)
    assert hdf5_reader.trees(str(path)) == ["group", "pandas/table"]
    got = read(hdf5_reader, path, ["values", "pt"], "pandas/table")
    np.testing.assert_array_equal(got["pt"], PT)
    np.testing.assert_array_equal(got["values"][:, 1], np.arange(5))
    assert described(hdf5_reader, path, "/group") == {
        "a": ("int64", True), "cube": ("float64[2][2]", False), "matrix": ("int64[2]", True),
        "short": ("int64", True), "text": ("string", False),
    }  # fmt: skip
    np.testing.assert_array_equal(read(hdf5_reader, path, ["matrix", "a"], "group")["matrix"], np.arange(10).reshape(5, 2))
    assert "tree 'group': column 'short' has 3 rows, but 'a' has 5" in refusal(hdf5_reader, path, ["a", "short"], "group")
    assert "has 2 tables, name one of them: group, pandas/table" in refusal(hdf5_reader, path)


# NumPy


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_matrix_has_columns_x0_x1(tmp_path, order, small_chunks):
    path = tmp_path / "m.npy"
    matrix = np.arange(30, dtype=">f4").reshape(10, 3)
    np.save(path, np.asarray(matrix, order=order))
    assert list(described(npy_reader, path)) == ["x0", "x1", "x2"]
    got = read(npy_reader, path, ["x2", "x0"])
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


# Memory

PEAK = """
import resource, sys
from ophion.readers import {module} as reader
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
names = [column[0] for column in reader.describe(sys.argv[1], "")["columns"]]
next(reader.open(sys.argv[1], "", names))
before, rows = peak(), 0
for chunk in reader.open(sys.argv[1], "", names):
    rows += len(chunk["x"])
print(rows, (peak() - before) // 1024)
"""


@pytest.mark.parametrize("kind", ["root", "parquet", "npy", "h5"])
def test_a_large_file_streams_through_little_memory(kind, tmp_path):
    path, rows = tmp_path / f"large.{kind}", 4_000_000  # 400 MB of float64 in ten columns, written as 40 parts
    names, part = ["x", *map(str, range(9))], np.zeros(rows // 10)
    if kind == "root":
        with uproot.recreate(path) as file:
            tree = file.mktree("t", dict.fromkeys(names, "f8"))
            for _ in range(10):
                tree.extend(dict.fromkeys(names, part))
    elif kind == "parquet":
        table = pa.table(dict.fromkeys(names, part))
        with pq.ParquetWriter(path, table.schema) as writer:
            for _ in range(10):
                writer.write_table(table, row_group_size=len(part) // 2)
    elif kind == "npy":
        np.lib.format.open_memmap(path, "w+", [(name, "f8") for name in names], (rows,)).flush()
    else:
        with h5py.File(path, "w") as file:
            for name in names:
                file.create_dataset(name, (rows,), "f8", chunks=(10_000,), compression="gzip", compression_opts=1)
    script = PEAK.format(module=READERS[kind].__name__.rpartition(".")[2])
    result = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True)
    read_rows, grown = map(int, result.stdout.split())
    assert read_rows == rows
    assert grown < 120  # MB, where the whole is 305


# Real files


@pytest.mark.skipif(not DATA, reason="OPHION_DATA names no folder of real data")
def test_the_atlas_sample_is_the_same_in_root_and_parquet():
    names = ["EventId", "DER_mass_MMC", "PRI_jet_num", "Weight"]
    both = read(parquet_reader, Path(DATA, "atlas_higgs/atlas_higgs_22k.parquet"), [*names, "label"])
    assert len(both["label"]) == 22_889
    for tree, label, count in (("signal", 1, 7_817), ("background", 0, 15_072)):
        of_tree = read(root_reader, Path(DATA, "atlas_higgs/atlas_higgs_22k.root"), names, tree)
        assert len(of_tree["Weight"]) == count
        chosen = both["label"] == label
        for name in names:
            np.testing.assert_array_equal(np.sort(of_tree[name]), np.sort(both[name][chosen]))


@pytest.mark.skipif(not DATA, reason="OPHION_DATA names no folder of real data")
def test_the_tmva_sample_asks_for_its_tree():
    path = Path(DATA, "tmva_examples/tmva_class_example.root")
    assert "has 2 trees, name one of them: TreeS, TreeB" in refusal(root_reader, path, ["var1"])
    assert "no column 'weight'" in refusal(root_reader, path, ["weight"], "TreeS")
    assert len(read(root_reader, path, ["var1", "weight"], "TreeB")["weight"]) == 6_000
