"""A training that is killed goes on where it was; one that is interrupted keeps its best."""

import signal
import time

import numpy as np
import pytest
from support import SCRIPTS, Run, by_label, config, line, network, tree, two_gaussians, write_parquet


def wait_for(condition, process, seconds=120):
    """Until `condition` gives something, while the process lives."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        assert process.poll() is None, f"it ended by itself: {process.communicate()}"
        time.sleep(0.02)
    raise AssertionError("it took too long")


def epochs_of(place, method="mlp"):
    """The folder of the run under way and how many epochs it has noted."""
    for file in (place / "runs" / "toy").glob(f"*/history/{method}.jsonl"):
        return Run(file.parents[1]), len(file.read_text().splitlines())
    return None, 0


def slow(**training):
    return network(script=SCRIPTS / "slow.py", **training)


@pytest.fixture
def started(place, events_file):
    def start(methods):
        place.write("train.json", config(by_label(events_file), methods))
        return place.program.start("train", "train.json", cwd=place.path)

    return start


def test_a_killed_run_goes_on_where_it_was(place, started):
    """Dropout draws random numbers in each epoch and the schedule counts steps: without their states the weights would differ."""
    methods = [line("before"), slow(epochs=8, scheduler={"type": "one_cycle"}), line("after")]
    process = started(methods)
    wait_for(lambda: epochs_of(place)[1] >= 3, process)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    run, done = epochs_of(place)
    assert 3 <= done < 8
    assert not (run.folder / "metrics.json").exists()
    assert run.model("before").exists() and not run.model("mlp").exists()
    kept = run.model("before").read_bytes()

    log = place.run("train", "train.json", "--resume", run.folder).stderr
    assert "before: was trained before" in log
    epochs = [line["epoch"] for line in run.history("mlp")]
    assert epochs[-1] == 8 and epochs.count(1) == 1, "the first epochs were not trained again"
    assert run.model("before").read_bytes() == kept

    place.run("train", "train.json", "--output", "whole")
    whole = Run(place / "whole" / "toy" / "latest")
    assert (whole.history("mlp")[-1]["loss"]) == run.history("mlp")[-1]["loss"]
    for name in ("before_score", "mlp_score", "after_score"):
        assert np.array_equal(whole.scores[name], run.scores[name]), name

    other = place.run("train", "train.json", "--resume", run.folder, "--set", "seed=77", status=2)
    assert "/seed" in other.stderr and "is not what it was in the run to be resumed" in other.stderr
    nowhere = place.run("train", "train.json", "--resume", "nowhere", status=1)
    assert "cannot resume nowhere" in nowhere.stderr


def test_ctrl_c_keeps_the_best_epoch(place, started, events_file):
    process = started([slow(epochs=100000), line("after")])
    wait_for(lambda: epochs_of(place)[1] >= 2, process)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    run, _ = epochs_of(place)
    metrics = run.metrics
    assert metrics["stopped"] is True
    assert metrics["methods"]["mlp"]["status"] == "stopped"
    assert metrics["methods"]["after"]["status"] == "not started"
    assert "after: not started" in out

    scores = place.predict(run.model("mlp"), events_file, output="scores.parquet")
    at = run.scores["entry"].astype(np.int64)
    assert scores["score"][at] == pytest.approx(run.scores["mlp_score"], rel=1e-5)
    # The epoch that is kept is the one of the lowest validation loss.
    losses = [line["validation/loss"] for line in run.history("mlp")]
    probability = run.scores["mlp_score"][run.scores["part"] == 1].astype(float)
    label = run.scores["label"][run.scores["part"] == 1]
    weight = np.where(label == 1, len(label) / (label == 1).sum(), len(label) / (label == 0).sum())
    entropy = -np.where(label == 1, np.log(probability), np.log1p(-probability))
    assert np.average(entropy, weights=weight) == pytest.approx(min(losses), rel=0.02)


def hanging(epoch, **more):
    return {**network(script=SCRIPTS / "hanging.py", epochs=5), "params": {"in_epoch": epoch}, **more}


def test_ctrl_c_ends_an_epoch_that_hangs_and_keeps_the_best_one(place, started):
    process = started([hanging(3), line("after")])
    wait_for(lambda: epochs_of(place)[1] == 2, process)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    run, epochs = epochs_of(place)
    assert epochs == 2
    assert run.metrics["methods"]["mlp"]["status"] == "stopped"
    assert run.metrics["methods"]["after"]["status"] == "not started"
    assert run.model("mlp").exists()


def test_ctrl_c_ends_a_fit_that_knows_no_epochs(place, started):
    process = started([line("before"), {**tree("forest"), "estimator": "sklearn.ensemble.RandomForestClassifier",
                                        "params": {"n_estimators": 1_000_000}}])
    wait_for(lambda: list((place / "runs").glob("toy/*/models/before.ophion")), process)
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "forest: not started: RandomForestClassifier" in out.replace("sklearn.ensemble.", "")
    assert "interrupted" in out


@pytest.mark.slow
def test_a_time_limit_keeps_the_best_epoch_and_goes_on_with_the_next_method(place, events_file):
    methods = [hanging(3, time_limit=8), line("after")]
    run = place.train(config(by_label(events_file), methods))
    assert "mlp: stopped at its time_limit of 8 s; the best so far is kept" in run.log
    status = {name: method["status"] for name, method in run.metrics["methods"].items()}
    assert status == {"mlp": "stopped", "after": "done"}
    assert run.metrics["stopped"] is False
    assert run.model("mlp").exists()


def test_a_time_limit_before_the_first_epoch_is_over_is_the_methods_failure(place, events_file):
    run = place.train({**config(by_label(events_file), [hanging(1), line("after")]), "time_limit": 1})
    failed = run.metrics["methods"]["mlp"]
    assert failed["status"] == "failed"
    assert failed["error"] == "hanging.py: train() took longer than its time_limit of 1 s"
    assert run.metrics["methods"]["after"]["status"] == "done"


@pytest.mark.slow
def test_a_prediction_over_its_time_limit_names_the_script(place, events_file):
    run = place.train(config(by_label(events_file), [hanging(0)]))
    arguments = ("predict", run.model("mlp"), events_file, "--output", "scores.csv")
    done = place.run(*arguments, "--time-limit", "6", status=1)
    assert "hanging.py: predict() took longer than its time_limit of 6 s" in done.stderr
    assert not (place / "scores.csv").exists()
    assert "--time-limit" in place.run(*arguments, "--time-limit", "-1", status=2).stderr


def test_ctrl_c_before_there_is_any_model_exits_with_130_too(place, started):
    process = started([slow(epochs=5, batch_size=1)])
    wait_for(lambda: list((place / "runs").glob("toy/*/history/mlp.jsonl")), process)
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, (out, err)
    assert "Traceback" not in err


def test_a_second_ctrl_c_ends_at_once(place, started):
    process = started([{"name": "guest", "type": "script", "script": str(SCRIPTS / "guest.py"), "params": {"how": "loop", "when": "train"}}])
    wait_for(lambda: list((place / "runs").glob("toy/*/checkpoints/guest")), process)
    process.send_signal(signal.SIGINT)
    time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode in (-signal.SIGINT, 130)


def test_ctrl_c_ends_a_prediction_between_two_chunks_and_leaves_nothing(place, events_file):
    run = place.train(config(by_label(events_file), [{"name": "slow", "type": "script", "script": str(SCRIPTS / "slow_scores.py")}]))
    many = write_parquet(place / "many.parquet", two_gaussians(20_000))
    (place / "scores").mkdir()
    process = place.program.start("predict", run.model("slow"), *[many] * 100, "--output", "scores/scores.parquet", cwd=place.path)
    wait_for(lambda: list((place / "scores").iterdir()), process)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=15)
    assert process.returncode == 130, err
    assert "scoring was stopped after " in err and "Traceback" not in err and out == ""
    assert list((place / "scores").iterdir()) == []
