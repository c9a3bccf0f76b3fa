"""Readers: what they say about files, what they give, and how they refuse."""

import os
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import uproot
from reading import described, read, refusal

from ophion.errors import DataError
from ophion.readers import csv_reader, hdf5_reader, npy_reader, parquet_reader, root_reader

DATA = os.environ.get("OPHION_DATA")
READERS = {"root": root_reader, "parquet": parquet_reader, "csv": csv_reader, "h5": hdf5_reader, "npy": npy_reader}
EVENT = np.array([2**53 + 1, 2, 3, 4, 5], np.int64)  # the first is no double
PT = np.array([1.5, 2.5, np.nan, 4.5, -999.0], np.float32)


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
