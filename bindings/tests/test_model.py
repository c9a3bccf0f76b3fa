"""Models from Python: what they score, from which arrays and tables, and what they say of themselves."""

import copy
import pickle
import sys
import threading
import time
import tracemalloc

import numpy as np
import ophion
import pandas as pd
import pyarrow as pa
import pytest
from conftest import expected
from ophion import errors

RNG = np.random.default_rng(3)
CELLS = np.array([[a, 2 * c] for a in (-1.0, 1.0) for c in (2.0, 4.0)], np.float32)  # features a, b
ROWS = CELLS[RNG.integers(0, 4, 1000)]
SCORES = expected(ROWS[:, 0], ROWS[:, 1] / 2)


def test_scores_are_what_counting_gives(model):
    scores = model.predict(CELLS)
    assert scores.dtype == np.float32 and scores.shape == (4,)
    np.testing.assert_allclose(scores, [0.2, 0.4, 0.6, 0.8], rtol=1e-6)


LAYOUTS = {
    "rows": lambda x: x,
    "read-only": lambda x: np.frombuffer(x.tobytes(), x.dtype).reshape(x.shape),
    "columns": np.asfortranarray,
    "every other row": lambda x: np.repeat(x, 2, axis=0)[::2],
    "every third column": lambda x: np.repeat(x, 3, axis=1)[:, ::3],
    "backwards": lambda x: x[::-1].copy()[::-1],
    "columns backwards": lambda x: x[:, ::-1].copy()[:, ::-1],
    "inside a larger array": lambda x: np.pad(x, 3)[3:-3, 3:-3],
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_arrays_of_any_strides_give_the_same_scores(model, layout, dtype):
    x = LAYOUTS[layout](ROWS.astype(dtype))
    np.testing.assert_array_equal(x, ROWS)
    np.testing.assert_allclose(model.predict(x), SCORES, rtol=1e-6)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_arrays_are_not_copied(model, layout, dtype):
    x = LAYOUTS[layout](np.tile(ROWS, (500, 1)).astype(dtype))  # 4 or 8 MB
    model.predict(x[:2])
    tracemalloc.start()
    scores = model.predict(x)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < scores.nbytes + 100_000


@pytest.mark.parametrize(
    "x",
    [ROWS.astype(np.int8), ROWS.astype(np.float16), ROWS.astype(np.longdouble), ROWS.astype(">f4"), ROWS.astype(">i8"), ROWS.tolist(),
     np.ndarray(ROWS.shape, np.float32, b"?" + ROWS.tobytes(), offset=1)],
    ids=["int8", "float16", "longdouble", "big-endian float", "big-endian integer", "lists", "unaligned"],
)  # fmt: skip
def test_other_numbers_are_converted(model, x):
    np.testing.assert_allclose(model.predict(x), SCORES, rtol=1e-6)


C = ROWS[:, 1] / 2
TABLES = {
    "dict": lambda: {"c": C, "a": ROWS[:, 0]},
    "dict of features": lambda: {"b": ROWS[:, 1].astype(np.int16), "a": ROWS[:, 0].tolist()},
    "pandas": lambda: pd.DataFrame({"text": "no number", "c": C.astype(np.int64), "a": ROWS[:, 0]}),
    "pandas by rows": lambda: pd.DataFrame(np.column_stack([C, ROWS]), columns=["c", "a", "unused"]),
    "pandas nullable": lambda: pd.DataFrame({"c": pd.array(C.astype(int), "Int32"), "a": pd.array(ROWS[:, 0], "Float64")}),
    "Arrow": lambda: pa.table({"text": ["no number"] * len(C), "a": ROWS[:, 0], "c": C.astype(np.uint8)}),
    "Arrow in chunks": lambda: pa.concat_tables([pa.table({"a": part[:, 0], "c": part[:, 1] / 2}) for part in np.split(ROWS, 4)]),
    "Arrow batch": lambda: pa.record_batch({"a": ROWS[:, 0], "c": C}),
    "masked, nothing hidden": lambda: {"c": np.ma.array(C), "a": np.ma.array(ROWS[:, 0], mask=np.zeros(len(C), bool))},
    "structured": lambda: np.rec.fromarrays([C, ROWS[:, 0]], dtype=[("c", "i4"), ("a", "f8")]).view(np.ndarray),
}


@pytest.mark.parametrize("table", TABLES)
def test_tables_are_scored_by_name(model, table):
    np.testing.assert_allclose(model.predict(TABLES[table]()), SCORES, rtol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_what_a_mask_hides_is_missing(model, dtype):
    x = np.ma.array([[1, 4], [1, 8]], dtype, mask=[[False, False], [False, True]])
    np.testing.assert_allclose(model.predict(x[:1]), [0.6], rtol=1e-6)
    for events in (x, {"a": x[:, 0], "b": x[:, 1]}):
        with pytest.raises(errors.DataError, match="row 1, feature 'b': not a number"):
            model.predict(events)


BIG = 2**53 + 1
GAPS = {
    "masked": lambda: np.ma.array([BIG, 7], np.int64, mask=[False, True]),
    "pandas": lambda: pd.Series([BIG, None], dtype="Int64"),
    "Arrow": lambda: pa.array([BIG, None], pa.int64()),
    "Arrow in chunks": lambda: pa.chunked_array([pa.array([BIG], pa.uint64()), pa.array([None], pa.uint64())]),
}


@pytest.mark.parametrize("values", GAPS)
def test_integers_with_gaps_are_not_rounded(model, values):
    with pytest.raises(errors.DataError, match=r"column 'a': some integers are missing, and others of 2\^53 or more"):
        model.predict({"a": GAPS[values](), "b": [1.0, 2.0]})


def test_bound_names_come_in_the_programs_order(model):
    score = model.bind(["c", "a"])
    assert score.names == ("c", "a")
    assert score([4.0, -1.0]) == pytest.approx(0.4, rel=1e-6)
    assert score(np.array([2.0, 1.0], np.float32)) == pytest.approx(0.6, rel=1e-6)
    assert score(np.array([2, 1])[::1]) == pytest.approx(0.6, rel=1e-6)
    np.testing.assert_allclose(score.predict(np.column_stack([C, ROWS[:, 0]])), SCORES, rtol=1e-6)
    with pytest.raises(errors.DataError, match="names to bind: no 'c', from which the feature 'b' is computed"):
        model.bind(["a", "q"])
    with pytest.raises(errors.DataError, match="expected a list of names, found the text 'ac'"):
        model.bind("ac")
    with pytest.raises(errors.Error, match="expected 2 .*found 3"):
        score([1.0, 2.0, 3.0])


def test_no_event_gives_no_score(model):
    assert model.predict(np.empty((0, 2), np.float32)).shape == (0,)
    assert model.predict({"a": [], "c": []}).shape == (0,)


def test_what_a_model_says_of_itself(model):
    assert model.features == ("a", "b") and model.inputs == ("a", "c")
    assert model.outputs == ("score",) and model.classes == ("background", "signal") and model.targets == ()
    assert (model.task, model.backend) == ("classification", "native")
    assert model.manifest["features"][1]["name"] == "b"
    assert repr(model) == "<ophion.Model: classification of 2 features, scored by native>"


def test_saved_pickled_and_copied_models_are_the_same_file(model, model_file, tmp_path):
    model.save(tmp_path / "again.ophion")
    content = model_file.read_bytes()
    assert (tmp_path / "again.ophion").read_bytes() == content
    for again in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model), ophion.Model.from_bytes(content)):
        assert again.to_bytes() == content
        np.testing.assert_array_equal(again.predict(ROWS), model.predict(ROWS))


@pytest.mark.parametrize(
    ("events", "text"),
    [
        ([1.0, 2.0], r"expected an array of shape \(rows, features\), found one of shape \(2,\); one event is x.reshape\(1, -1\)"),
        (np.zeros((5, 3)), "expected 2 features, found 3"),
        (np.zeros((5, 3), np.float32), "expected 2 features, found 3"),
        ({"a": [1.0]}, "'c'"),
        ({"a": [1.0, 2.0], "c": [3.0]}, "column 'c' has 1 rows, column 'a' 2"),
        ({"a": ["x"], "c": [1.0]}, "column 'a': expected numbers, found <U1"),
        ({"a": np.zeros((1, 1, 1)), "c": [1.0]}, r"column 'a': expected one number or a row of numbers an event, found shape \(1, 1, 1\)"),
        (np.array([["x", "y"]]), "events: expected numbers, found <U1"),
        (np.array([[np.nan, 1.0]]), "a"),
    ],
)
def test_what_cannot_be_scored_is_named(model, events, text):
    with pytest.raises(errors.DataError, match=text):
        model.predict(events)


def test_missing_values_of_tables_are_nan(model):
    for table in (pd.DataFrame({"a": pd.array([1, None], "Int64"), "c": [2.0, 2.0]}), pa.table({"a": [1, None], "c": [2.0, 2.0]})):
        with pytest.raises(errors.DataError, match="row 1, feature 'a': not a number"):
            model.predict(table)


def test_files_that_are_no_model_are_refused(tmp_path):
    (tmp_path / "no.ophion").write_bytes(b"no model")
    with pytest.raises(errors.ModelError, match="no.ophion"):
        ophion.Model.load(tmp_path / "no.ophion")
    with pytest.raises(errors.Error, match="absent.ophion"):
        ophion.Model.load(tmp_path / "absent.ophion")


def test_options_of_loading_are_checked(model_file):
    with pytest.raises(errors.Error, match="'fast'"):
        ophion.Model.load(model_file, backend="fast")
    with pytest.raises(errors.ConfigError, match="expected .*found -1") as caught:
        ophion.Model.load(model_file, threads=-1)
    assert caught.value.pointer == "/threads"
    assert ophion.Model.load(model_file, backend="python").backend == "python"


def test_other_threads_run_while_events_are_scored(model):
    """No thread is switched to by force here, so another one goes on only where the call lets go of Python's lock."""
    x = np.tile(ROWS, (3000, 1))
    interval, done, steps = sys.getswitchinterval(), threading.Event(), 0

    def work():
        nonlocal steps
        while not done.is_set():
            steps += 1
            time.sleep(0.0005)

    other = threading.Thread(target=work)
    sys.setswitchinterval(1000)
    try:
        other.start()
        before = steps
        model.predict(x)
        assert steps > before
    finally:
        sys.setswitchinterval(interval)
        done.set()
        other.join()


def test_many_threads_share_a_model(model):
    wrong = []

    def work():
        for _ in range(50):
            if not np.allclose(model.predict(ROWS), SCORES):
                wrong.append(1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
