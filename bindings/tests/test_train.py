"""Trainings from Python: configs, own events, progress, stops and failures. The script scripts/patient.py makes them short."""

import json
import os
import signal
import sys
import threading
from pathlib import Path

import numpy as np
import ophion
import pandas as pd
import pyarrow as pa
import pytest
from conftest import counted_events, counting_config, in_python
from ophion import errors

SCRIPT = Path(__file__).parent / "scripts" / "patient.py"


def patient(folder, **params):
    return counting_config(folder, methods=[{"name": "mean", "type": "script", "script": SCRIPT, "params": params}])


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Two methods, the second of which fails."""
    config = patient(tmp_path_factory.mktemp("run"))
    config["methods"].append({"name": "broken", "type": "script", "script": SCRIPT, "params": {"fail": True}})
    heard = []
    done = ophion.train(config, events=counted_events(), overrides={"methods.0.params.epochs": 2, "seed": np.int64(5)}, progress=heard.append)
    done.heard = heard
    return done


def test_a_run_has_folder_models_and_metrics(run):
    assert (run.folder / "metrics.json").is_file()
    assert [(method["name"], method["status"]) for method in run.methods] == [("mean", "done"), ("broken", "failed")]
    assert "ZeroDivisionError" in run.methods[1]["error"]
    assert list(run.models) == ["mean"] and not run.stopped
    np.testing.assert_allclose(run.best.predict(np.zeros((3, 2))), 0.5)  # half of the events are signal
    assert run.models["mean"].manifest["method"]["name"] == "mean"
    assert run.metrics["methods"]["mean"]["metrics"]["train"]["auc"] == 0.5
    assert repr(run) == f"<ophion.Run: mean done, broken failed, in {run.folder}>"


def test_overrides_and_progress_arrive(run):
    assert [(told.method, told.epoch, told.epochs, told.folds) for told in run.heard] == [("mean", 1, 2, 0), ("mean", 2, 2, 0)]
    assert run.heard[1].metrics == {"loss": 0.5}


def test_a_training_runs_in_this_interpreter_but_not_on_its_main_thread(tmp_path):
    ophion.train(patient(tmp_path, begun=str(tmp_path / "begun")), events=counted_events())
    assert (tmp_path / "begun").read_text() == f"{sys.executable}\nFalse"


def test_a_worker_process_of_this_python_scores(run, tmp_path):
    run.models["mean"].save(tmp_path / "mean.ophion")
    model = ophion.Model.load(tmp_path / "mean.ophion", isolation="process")
    np.testing.assert_allclose(model.predict([[1.0, 2.0], [3.0, 4.0]]), 0.5)


def test_code_that_nobody_trusts_is_not_run(run, tmp_path):
    run.models["mean"].save(tmp_path / "mean.ophion")
    code = "import ophion, sys\ntry: ophion.Model.load(sys.argv[1])\nexcept ophion.errors.TrustError as e: print(e)"
    text = in_python(code, tmp_path / "mean.ophion", XDG_DATA_HOME=str(tmp_path))
    assert f"ophion trust {tmp_path / 'mean.ophion'}" in text
    code = "import ophion, sys; print(ophion.Model.load(sys.argv[1], trust='all').predict([[1, 2]]))"
    assert in_python(code, tmp_path / "mean.ophion", XDG_DATA_HOME=str(tmp_path)).strip() == "[0.5]"


def frames(made):
    return {name: made(columns) for name, columns in counted_events().items()}


@pytest.mark.parametrize(
    "events",
    [
        frames(lambda columns: pd.DataFrame({**columns, "text": "x"})),
        frames(lambda columns: pa.table(columns)),
        frames(lambda columns: ophion.Sample({**columns, "c": columns["c"].astype(np.int8)}, weights=np.full(len(columns["a"]), 2.0))),
    ],
    ids=["pandas", "Arrow", "samples"],
)
def test_events_come_in_tables(events, tmp_path):
    run = ophion.train(patient(tmp_path), events=events)
    assert run.best.predict({"a": [1.0], "c": [2.0]}) == pytest.approx(0.5)


def test_weights_count(tmp_path):
    """With all the signal weighing twice, a tree's leaves have 2s / (2s + b)."""
    events = {name: ophion.Sample(columns, weights=[2.0 if name == "signal" else 1.0] * len(columns["a"]))
              for name, columns in counted_events().items()}  # fmt: skip
    model = ophion.train(counting_config(tmp_path), events=events).best
    np.testing.assert_allclose(model.predict([[-1, 4], [1, 8]]), [40 / 120, 160 / 180], rtol=1e-6)


def test_a_regression_has_targets(tmp_path):
    x = np.linspace(-1, 1, 200)
    config = counting_config(tmp_path, task="regression")
    config["data"] = {"features": ["x"], "targets": ["y", "z"], "split": {"validation": 0, "test": 0}}
    config["methods"] = [{"name": "line", "type": "sklearn", "estimator": "sklearn.linear_model.LinearRegression"}]
    model = ophion.train(config, events=ophion.Sample({"x": x}, targets={"y": 3 * x + 1, "z": -x})).best
    assert model.targets == ("y", "z") and model.outputs == ("pred_y", "pred_z")
    np.testing.assert_allclose(model.predict([[0.5], [2.0]]), [[2.5, -0.5], [7.0, -2.0]], rtol=1e-5)
    np.testing.assert_allclose(model.bind(["x"])([0.5]), [2.5, -0.5], rtol=1e-5)


def test_a_config_file_may_be_given(tmp_path):
    config = patient(tmp_path / "runs")
    (tmp_path / "train.json").write_text(json.dumps(config, default=str))
    run = ophion.train(tmp_path / "train.json", events=counted_events())
    assert run.folder.is_relative_to(tmp_path / "runs" / "count")


def test_false_stops_a_training_and_keeps_its_best(tmp_path):
    run = ophion.train(patient(tmp_path, epochs=100_000), events=counted_events(), progress=lambda told: told.epoch < 3)
    assert run.stopped and run.methods[0]["status"] == "stopped"
    assert run.best.predict([[1, 2]]) == pytest.approx(0.5)


def test_a_tuning_stops_at_the_first_false_under_a_time_limit_too(tmp_path):
    """A trial that its caller stopped is none that ended at its limit: no other one follows, and no model is made of it."""
    config = patient(tmp_path) | {"time_limit": 600}
    config["data"]["split"] = {"validation": 0.5, "test": 0}
    config["methods"][0]["tune"] = {"trials": 3, "space": {"params.epochs": {"choice": [4, 5]}}}
    heard = []
    with pytest.raises(errors.Interrupted):
        ophion.train(config, events=counted_events(), progress=lambda told: heard.append(told) or False)
    assert [told.epoch for told in heard] == [1]


def test_progress_is_told_in_the_callers_thread_and_what_it_raises_comes_back(tmp_path):
    def progress(told):
        assert threading.current_thread() is threading.main_thread()
        raise LookupError(f"epoch {told.epoch}")

    with pytest.raises(LookupError, match="epoch 1"):
        ophion.train(patient(tmp_path, epochs=100_000), events=counted_events(), progress=progress)


def test_ctrl_c_is_a_keyboard_interrupt_and_keeps_the_best(tmp_path):
    def progress(told):
        if told.epoch == 2:
            os.kill(os.getpid(), signal.SIGINT)

    config = patient(tmp_path, epochs=100_000, pause=0.01)
    with pytest.raises(KeyboardInterrupt) as caught:
        ophion.train(config, events=counted_events(), progress=progress)
    (note,) = caught.value.__notes__
    folder = Path(note.removeprefix("the training was stopped; what it had by then is in "))
    assert ophion.Model.load(folder / "models" / "mean.ophion").predict([[1, 2]]) == pytest.approx(0.5)
    run = ophion.train(patient(tmp_path), events=counted_events())  # the wish to stop has gone with it
    assert not run.stopped


def test_other_threads_may_train(tmp_path):
    runs = []
    thread = threading.Thread(target=lambda: runs.append(ophion.train(patient(tmp_path), events=counted_events())))
    thread.start()
    thread.join()
    assert runs[0].methods[0]["status"] == "done"


def test_a_scripts_error_keeps_its_traceback(tmp_path):
    with pytest.raises(errors.PythonError) as caught:
        ophion.train(patient(tmp_path, fail=True), events=counted_events())
    assert (caught.value.type, caught.value.problem) == ("ZeroDivisionError", "no mean of nothing")
    line = SCRIPT.read_text().splitlines().index('            raise ZeroDivisionError("no mean of nothing")') + 1
    assert f'{SCRIPT}", line {line}, in train' in caught.value.traceback
    assert caught.value.__notes__ == [caught.value.traceback]


@pytest.mark.parametrize(
    ("change", "pointer", "text"),
    [
        ({"task": "guessing"}, "/task", "expected .*found .*guessing"),
        ({"sed": 1}, "/sed", "unknown key 'sed'; did you mean 'seed'"),
        ({"seed": -1}, "/seed", "expected .*found -1"),
    ],
)
def test_a_wrong_config_is_refused_by_its_key(tmp_path, change, pointer, text):
    with pytest.raises(errors.ConfigError, match=text) as caught:
        ophion.train({**patient(tmp_path), **change}, events=counted_events())
    assert caught.value.pointer == pointer


def test_wrong_events_are_refused(tmp_path):
    with pytest.raises(errors.DataError, match="events: expected a dict of columns, .* found list"):
        ophion.train(patient(tmp_path), events={"signal": [1, 2]})
    with pytest.raises(errors.ArgumentError, match="events: expected a mapping of class to table, or one Sample, found list"):
        ophion.train(patient(tmp_path), events=[1])
    with pytest.raises(errors.DataError, match="'c'") as caught:
        ophion.train(patient(tmp_path), events=frames(lambda columns: {"a": columns["a"], "c": columns["c"].astype(str)}))
    assert caught.value.__notes__ == ["columns without numbers were left out: 'c', 'c'"]
    with pytest.raises(TypeError, match="a config holds no set"):
        ophion.train({**patient(tmp_path), "name": {1}})


def test_messages_go_to_logging_and_prints_to_stdout(tmp_path):
    code = """
import logging, sys
logging.basicConfig(stream=sys.stdout, format="%(name)s %(levelname)s %(message)s")
logging.getLogger("libophion").setLevel(logging.INFO)
import json, ophion
ophion.train(json.loads(sys.argv[1]), events=json.loads(sys.argv[2]))
"""
    events = {name: {key: list(values) for key, values in columns.items()} for name, columns in counted_events().items()}
    printed = in_python(code, json.dumps(patient(tmp_path), default=str), json.dumps(events))
    assert "libophion INFO training mean (script)" in printed
