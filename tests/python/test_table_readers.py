"""The readers "parquet" and "csv": missing values, what text may look like, and columns that are no numbers."""

import gzip

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from reading import described, read, refusal

from ophion.readers import csv_reader, parquet_reader


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
