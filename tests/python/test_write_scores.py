"""The writer of scores: whole files, exact numbers, nothing left behind."""

import os
import subprocess
import sys

import numpy as np
import pyarrow.parquet as pq
import pytest
import uproot

from ophion.errors import DataError
from ophion.readers import csv_reader, parquet_reader, root_reader
from ophion.tools import write_scores_tool as tool

READERS = {"parquet": parquet_reader, "root": root_reader, "csv": csv_reader}
EVENTS = {
    "event": np.array([2**53 + 1, 2, -3, 4], np.int64),
    "m4l": np.array([125.1, 1e-300, np.pi, np.nan]),
    "score": np.array([0.1, 1 / 3, 1e-38, 1.0], np.float32),
}
FORMATS = ["parquet", "root", "csv"]


def write(path, *chunks, **arguments):
    job = tool.start({"output": str(path), **arguments})
    for chunk in chunks:
        job.run({}, chunk)
    return job.finish()


def part(first, last):
    return {name: array[first:last] for name, array in EVENTS.items()}


def read(path):
    reader = READERS[path.suffix[1:]]
    names = [column[0] for column in reader.describe(str(path), "")["columns"]]
    chunks = list(reader.open(str(path), "", names))
    return {name: np.concatenate([chunk[name] for chunk in chunks]) for name in names}


@pytest.mark.parametrize("suffix", FORMATS)
def test_chunks_come_back_in_order_with_every_digit(tmp_path, suffix):
    path = tmp_path / f"scores.{suffix}"
    result = write(path, part(0, 3), part(3, 4))
    assert result["rows"] == 4 and result["bytes"] == path.stat().st_size
    got = read(path)
    assert list(got) == list(EVENTS)
    np.testing.assert_array_equal(got["event"], EVENTS["event"])
    np.testing.assert_array_equal(got["m4l"], EVENTS["m4l"])
    np.testing.assert_array_equal(got["score"].astype(np.float32), EVENTS["score"])
    assert got["event"].dtype == np.int64
    if suffix != "csv":
        assert got["score"].dtype == np.float32
    assert os.listdir(tmp_path) == [path.name]


def test_csv_holds_the_shortest_text_of_a_float32(tmp_path):
    write(tmp_path / "s.csv", {"score": np.array([0.1, 1 / 3], np.float32)})
    assert (tmp_path / "s.csv").read_text().splitlines()[1:] == ["0.1", "0.33333334"]


def test_a_root_file_is_a_friend_of_its_input_by_entry(tmp_path):
    write(tmp_path / "s.root", part(0, 2), part(2, 4), tree="friend")
    with uproot.open(tmp_path / "s.root") as file:
        assert file["friend"].classname == "TTree"
        assert file["friend"].num_entries == 4
        assert file["friend"].typenames() == {"event": "int64_t", "m4l": "double", "score": "float"}


@pytest.mark.parametrize("suffix", ["parquet", "root"])
def test_a_fixed_array_and_strided_views_are_kept(tmp_path, suffix):
    path = tmp_path / f"s.{suffix}"
    scores = np.arange(12, dtype="f4").reshape(4, 3)
    write(path, {"p4": scores[::2], "score_zz": scores[::2, 1:2], "ok": np.array([True, False])})
    got = read(path)
    np.testing.assert_array_equal(got["p4"], scores[::2])
    np.testing.assert_array_equal(got["score_zz"], [1, 7])
    np.testing.assert_array_equal(got["ok"], [True, False])


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("with_empty_chunk", [False, True])
def test_no_event_gives_a_file_with_the_columns(tmp_path, suffix, with_empty_chunk):
    path = tmp_path / f"s.{suffix}"
    columns = [{"name": "event", "type": "int64"}, {"name": "score", "type": "float32"}]
    empty = {"event": np.zeros(0, np.int64), "score": np.zeros(0, np.float32)}
    write(path, *[empty] * with_empty_chunk, columns=columns)
    info = READERS[suffix].describe(str(path), "")
    assert [column[0] for column in info["columns"]] == ["event", "score"]
    assert info["rows"] in (0, None)
    if suffix != "csv":
        assert [column[1] for column in info["columns"]] == ["int64", "float32"]


def test_the_order_of_columns_is_the_one_declared(tmp_path):
    write(tmp_path / "s.parquet", EVENTS, columns=["score", "m4l", "event"])
    assert pq.read_schema(tmp_path / "s.parquet").names == ["score", "m4l", "event"]


@pytest.mark.parametrize("suffix", FORMATS)
def test_until_finished_there_is_no_file_and_giving_up_leaves_nothing(tmp_path, suffix):
    job = tool.start({"output": str(tmp_path / f"s.{suffix}")})
    job.run({}, EVENTS)
    assert not (tmp_path / f"s.{suffix}").exists()
    job.abandon()
    assert os.listdir(tmp_path) == []


def test_an_existing_file_is_kept_unless_told_to_overwrite(tmp_path):
    path = tmp_path / "s.csv"
    path.write_text("precious")
    with pytest.raises(DataError, match=r"s\.csv: exists already; it is replaced only when told to overwrite"):
        tool.start({"output": str(path)})
    assert path.read_text() == "precious"
    write(path, EVENTS, overwrite=True)
    assert path.read_text().startswith('"event","m4l","score"\n9007199254740993,125.1,0.1\n')


def test_a_file_that_appears_meanwhile_is_kept(tmp_path):
    job = tool.start({"output": str(tmp_path / "s.csv")})
    job.run({}, EVENTS)
    (tmp_path / "s.csv").write_text("precious")
    with pytest.raises(DataError, match="exists already"):
        job.finish()
    assert os.listdir(tmp_path) == ["s.csv"] and (tmp_path / "s.csv").read_text() == "precious"


def test_unknown_suffixes_and_missing_folders_are_named(tmp_path):
    with pytest.raises(DataError, match=r"s\.parqet: expected one of .parquet, .root, .csv, found .parqet; nearest: .parquet"):
        tool.start({"output": str(tmp_path / "s.parqet")})
    with pytest.raises(DataError, match=r"none/s\.csv: can't be written: No such file or directory"):
        tool.start({"output": str(tmp_path / "none" / "s.csv")})
    with pytest.raises(DataError, match="is a folder"):
        tool.start({"output": str(tmp_path)} | {"format": "csv"})


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_named(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(DataError, match=r"s\.csv: can't be written: Permission denied"):
        tool.start({"output": str(tmp_path / "s.csv")})


def test_chunks_that_do_not_fit_together_are_refused(tmp_path):
    def refused(chunk, text):
        job = tool.start({"output": str(tmp_path / "s.parquet")})
        job.run({}, EVENTS)
        with pytest.raises(DataError, match=text):
            job.run({}, chunk)
        assert os.listdir(tmp_path) == []

    refused({**EVENTS, "m4l": EVENTS["m4l"][:2]}, r"s\.parquet: .*column 'm4l' has 2 rows, 'event' has 4")
    refused({**EVENTS, "m4l": EVENTS["m4l"].astype("f4")}, "column 'm4l' is float32, expected float64")
    refused({"event": EVENTS["event"]}, "expected the columns event, m4l, score, found event")


FULL = """
import resource, sys
import numpy as np
from ophion.errors import DataError
from ophion.tools import write_scores_tool as tool
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
job = tool.start({"output": sys.argv[1]})
try:
    for _ in range(40):
        job.run({}, {"x": np.random.default_rng(1).normal(size=100_000)})
    job.finish()
except DataError as error:
    print(error)
"""


def test_bools_and_arrays_of_fixed_length_come_back_from_parquet(tmp_path):
    events = {"kept": np.array([True, False, True]), "pair": np.arange(6, dtype=np.int32).reshape(3, 2)}
    write(tmp_path / "s.parquet", events)
    got = read(tmp_path / "s.parquet")
    assert got["kept"].tolist() == [True, False, True] and got["kept"].dtype == bool
    assert pq.read_table(tmp_path / "s.parquet")["pair"].to_pylist() == [[0, 1], [2, 3], [4, 5]]


WITHOUT_PANDAS = """
import sys
import numpy as np
from ophion.readers import parquet_reader
from ophion.tools import write_scores_tool as tool
job = tool.start({"output": sys.argv[1]})
job.run({}, {"x": np.arange(3.0), "n": np.arange(3), "pair": np.ones((3, 2))})
job.finish()
print([chunk["n"].tolist() for chunk in parquet_reader.open(sys.argv[1], "", ["x", "n", "pair"])], "pandas" in sys.modules)
"""


def test_numbers_are_written_and_read_without_pandas_which_takes_long_to_import(tmp_path):
    done = subprocess.run([sys.executable, "-c", WITHOUT_PANDAS, str(tmp_path / "s.parquet")], capture_output=True, text=True, check=True)
    assert done.stdout == "[[0, 1, 2]] False\n"


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_disk_that_is_full_is_an_error_and_leaves_nothing(tmp_path, suffix):
    path = tmp_path / f"s.{suffix}"
    result = subprocess.run([sys.executable, "-c", FULL, str(path)], capture_output=True, text=True, check=True)
    assert f"{path}: can't be written: " in result.stdout and "File too large" in result.stdout
    assert os.listdir(tmp_path) == []
