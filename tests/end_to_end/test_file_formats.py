"""The same events in every format give the same model and the same scores."""

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest
import uproot
from support import config, line, two_gaussians, write_parquet

NAMES = ("x0", "x1", "x2", "label", "event", "number", "weight")


def make_events():
    return {**two_gaussians(600, seed=8), "number": np.arange(600, dtype=np.int32)}


def write_ttree(path, events):
    with uproot.recreate(path) as file:
        file.mktree("events", {name: values.dtype for name, values in events.items()}).extend(events)


def write_rntuple(path, events):
    with uproot.recreate(path) as file:
        file.mkrntuple("events", events)


def write_csv(path, events):
    pyarrow.csv.write_csv(pa.table(events), path)


def write_hdf5(path, events):
    with h5py.File(path, "w") as file:
        for name, values in events.items():
            file[f"events/{name}"] = values


def write_npy(path, events):
    rows = np.zeros(len(events["x0"]), [(name, values.dtype) for name, values in events.items()])
    for name, values in events.items():
        rows[name] = values
    np.save(path, rows)


FORMATS = {
    "ttree.root": write_ttree,
    "rntuple.root": write_rntuple,
    "events.parquet": write_parquet,
    "events.csv": write_csv,
    "events.h5": write_hdf5,
    "events.npz": lambda path, events: np.savez(path, **events),
    "events.npy": write_npy,
}


@pytest.fixture(scope="module")
def files(module_place):
    events = make_events()
    for name, write in FORMATS.items():
        write(module_place / name, {key: events[key] for key in NAMES})
    return module_place


@pytest.fixture(scope="module")
def trained(files):
    """By turns two formats a run, one of each class: as many runs as are needed for each format to give both classes once."""
    names = list(FORMATS)
    split = {"by": "number % 4", "validation": [2], "test": [3]}  # the same in each format, as drawing by file is not
    scores = {}
    for number, name in enumerate(names):
        other = names[number - 1]
        samples = [
            {"class": "signal", "files": name, "selection": "label == 1 && x2 < 2.5", "weight": "weight * 2"},
            {"class": "background", "files": other, "selection": "label == 0 && x2 < 2.5", "weight": "weight"},
        ]
        run = files.train(config(samples, [line()], spectators=["event"], split=split), "--output", name + ".runs")
        scores[name] = run.scores
    return scores


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_gives_the_same_events_scores_and_weights(trained, name):
    expected, found = trained["events.parquet"], trained[name]
    for column in ("part", "entry", "label", "line_score"):
        assert np.array_equal(found[column], expected[column]), column
    assert found["event"].dtype == np.int64 and np.array_equal(found["event"], expected["event"])
    assert np.array_equal(found["weight"], expected["weight"])


def test_all_formats_are_scored_alike_in_one_go(files, trained):
    (model,) = (files / "events.parquet.runs").glob("toy/*Z/models/line.ophion")
    scores = files.predict(model, *FORMATS, output="all.parquet")
    blocks = scores["score"].reshape(len(FORMATS), 600)
    for name, block in zip(FORMATS, blocks):
        assert np.array_equal(block, blocks[0]), name
    assert np.array_equal(scores["event"].reshape(len(FORMATS), 600)[-1], make_events()["event"])
