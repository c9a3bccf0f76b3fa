"""Models score in programs that have no Python: an event loop, and a header of plain C++."""

import subprocess

import numpy as np
import pytest
from support import by_label, config, network, tree, two_gaussians, write_parquet


@pytest.fixture(scope="module")
def events():
    return two_gaussians(500, seed=3)


@pytest.fixture(scope="module")
def run(module_place, events):
    file = write_parquet(module_place / "events.parquet", events)
    return module_place.train(config(by_label(file), [network(epochs=2), tree()]))


def event_loop(build_folder, model, text, status=0):
    """The example, in an environment in which no Python can be found."""
    done = subprocess.run(
        [build_folder / "bin" / "event_loop", model], input=text, env={"PATH": ""}, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == status, done.stderr
    return done


def csv(events, names):
    rows = np.column_stack([events[name] for name in names])
    return "\n".join([",".join(names), *(",".join(f"{number:.9g}" for number in row) for row in rows)]) + "\n"


@pytest.mark.parametrize("method", ["mlp", "tree"])
def test_an_event_loop_gives_the_scores_of_the_program(place, build_folder, run, events, method):
    written = event_loop(build_folder, run.model(method), csv(events, ["x2", "weight", "x0", "x1"])).stdout.splitlines()
    assert written[0] == "score"
    file = write_parquet(place / "events.parquet", events)
    expected = place.predict(run.model(method), file, output="scores.parquet")["score"]
    assert np.allclose(np.array(written[1:], np.float32), expected, rtol=1e-6)


def test_an_event_loop_names_what_is_wrong(place, build_folder, run, events):
    model = run.model("tree")
    assert "x1" in event_loop(build_folder, model, csv(events, ["x0", "x2"]), status=1).stderr
    assert "event 2: 'far' is no number" in event_loop(build_folder, model, "x0,x1,x2\n1,2,3\n1,far,3\n", status=1).stderr
    assert "event 1 has 2 numbers, expected 3" in event_loop(build_folder, model, "x0,x1,x2\n1,2\n", status=1).stderr
    missing = event_loop(build_folder, model, "x0,x1,x2\n1,nan,3\n", status=1).stderr
    assert "feature 'x1': not a number" in missing
