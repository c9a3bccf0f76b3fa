"""The reader "root": TTrees and RNTuples."""

import awkward as ak
import numpy as np
import pytest
import uproot
from reading import described, read, refusal

from ophion.readers import columns, root_reader


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
    monkeypatch.setattr(columns, "CHUNK_BYTES", 12 * 700)
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
    monkeypatch.setattr(columns, "CHUNK_BYTES", 8 * 300)
    np.testing.assert_array_equal(read(root_reader, path, ["x"])["x"], np.repeat(np.arange(6), 1000))
    assert len(pages) == 6
    monkeypatch.setattr(columns, "CHUNK_BYTES", 4 * 2500)
    pages.clear()
    np.testing.assert_array_equal(read(root_reader, path, ["x"])["x"], np.repeat(np.arange(6), 1000))
    assert len(pages) == 6


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
