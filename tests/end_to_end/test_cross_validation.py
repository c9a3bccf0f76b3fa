"""Cross-validation: every event is scored by the fold that has not seen it, in the run, from the file and by its columns."""

import json
import signal
import zipfile

import numpy as np
import pytest
from support import (
    SCRIPTS,
    STANDARD,
    Run,
    auc,
    by_label,
    columns_of,
    config,
    line,
    network,
    part,
    tree,
    two_gaussians,
    write_parquet,
)
from test_stop_and_resume import wait_for

FOLDS = 3


def numbered(n, seed=1):
    """Event numbers that double holds, and in an order of their own."""
    events = two_gaussians(n, seed)
    return events | {"number": np.random.default_rng(seed).permutation(n).astype(np.int64) + 2**40}


@pytest.fixture(scope="module")
def events(tmp_path_factory):
    return write_parquet(tmp_path_factory.mktemp("folds") / "events.parquet", numbered(1200))


def deep(name="deep"):
    """A tree that knows every event it has seen."""
    return tree(name, max_depth=None)


def folded(events, methods, folds=f"number % {FOLDS}", **more):
    samples = by_label(events, weight="weight")
    return config(samples, methods, spectators=["number"], split={"folds": folds, **more})


@pytest.fixture(scope="module")
def run(module_place, events):
    """A tree and a network with transforms, each trained three times; the folds say nothing of validation and test."""
    return module_place.train(folded(events, [deep(), network() | STANDARD]))


def test_each_event_is_scored_by_a_model_that_has_not_seen_it(run, events):
    """The same trees by scikit-learn, from the file."""
    from sklearn.tree import DecisionTreeClassifier

    table = columns_of(events)
    scores = run.scores
    assert len(scores["number"]) == len(table["number"]), "every event once"
    assert np.array_equal(scores["fold"], scores["number"] % FOLDS)
    assert set(scores["part"]) == {1}
    # In the order in which the run read them: ties between cuts are broken alike then.
    rows = np.argsort(table["number"])[np.argsort(np.argsort(scores["number"]))]
    table = {name: values[rows] for name, values in table.items()}
    x, label, weight = np.column_stack([table["x0"], table["x1"], table["x2"]]), table["label"], table["weight"]
    fold = scores["number"] % FOLDS
    for one in range(FOLDS):
        seen = fold != one
        share = np.bincount(label[seen], weight[seen])
        balanced = weight[seen] * seen.sum() / (2 * share[label[seen]])
        theirs = DecisionTreeClassifier(random_state=5).fit(x[seen], label[seen], balanced).predict_proba(x[~seen])[:, 1]
        assert np.mean(scores["deep_score"][~seen] == theirs) > 0.9, "but for ties"


def test_metrics_come_from_those_scores_and_from_training(run):
    scores, deep_metrics = run.scores, run.metrics["methods"]["deep"]["metrics"]
    assert set(deep_metrics) == {"train", "validation"}
    assert deep_metrics["train"]["auc"] == 1.0, "each event by a tree that knows it"
    expected = auc(scores["deep_score"], scores["label"], scores["weight"])
    assert deep_metrics["validation"]["auc"] == pytest.approx(expected, abs=1e-12)
    assert 0.6 < expected < 0.85
    assert run.metrics["best"] == "mlp"
    assert run.metrics["data"]["folds"] == [int((scores["fold"] == fold).sum()) for fold in range(FOLDS)]


def test_every_metric_has_a_mean_and_a_spread_over_the_folds(run):
    scores, folds = run.scores, run.metrics["methods"]["mlp"]["folds"]
    each = []
    for fold in range(FOLDS):
        mine = scores["fold"] == fold
        each.append(auc(scores["mlp_score"][mine], scores["label"][mine], scores["weight"][mine]))
    assert [metrics["validation"]["auc"] for metrics in folds["metrics"]] == pytest.approx(each, abs=1e-12)
    assert folds["mean"]["validation"]["auc"] == pytest.approx(np.mean(each), abs=1e-12)
    assert folds["spread"]["validation"]["auc"] == pytest.approx(np.std(each, ddof=1), abs=1e-12)
    assert set(folds["mean"]["validation"]["efficiency"]) == {"0.01", "0.1", "0.3"}
    assert folds["mean"]["train"].keys() == folds["spread"]["train"].keys()


def test_a_file_of_events_is_scored_by_the_same_expression(run, module_place, events):
    scores = run.scores
    order = np.argsort(scores["number"])
    for name in ("deep", "mlp"):
        found = module_place.predict(run.model(name), events, output=f"{name}.parquet")
        same = np.argsort(found["number"])
        assert np.allclose(found["score"][same], scores[f"{name}_score"][order], rtol=0, atol=1e-6), name


def test_without_the_column_every_event_gets_the_mean_of_all_folds(run, module_place, events):
    table = columns_of(events)
    write_parquet(module_place / "bare.parquet", {name: table[name] for name in ("x0", "x1", "x2", "label")})
    done = module_place.run("predict", run.model("deep"), "bare.parquet", "--output", "bare_scores.parquet")
    assert "no column 'number', which tells the fold that has not seen an event" in done.stderr
    assert "every event gets the mean of all 3 folds" in done.stderr
    bare = columns_of(module_place / "bare_scores.parquet")["score"]
    assert set(np.round(bare * FOLDS).astype(int)) == set(range(FOLDS + 1))
    assert np.allclose(bare * FOLDS, np.round(bare * FOLDS), atol=1e-5), "three trees, each of which is certain"
    rows = np.column_stack([table[name] for name in ("x0", "x1", "x2")])
    by_program = module_place.program.score(run.model("deep"), rows, module_place.path, "--trust")
    assert np.array_equal(by_program, bare)


def test_the_table_shows_scores_out_of_fold_and_their_spread(place, events):
    place.write("train.json", folded(events, [line()]))
    shown = place.run("train", "train.json").stdout
    assert "AUC out of fold" in shown and "signal efficiency on out of fold (train) events" in shown
    run = Run(place / "runs" / "toy" / "latest")
    folds = run.metrics["methods"]["line"]["folds"]
    mean, spread = folds["mean"]["validation"]["auc"], folds["spread"]["validation"]["auc"]
    assert f"over 3 folds, each on the events it has not seen:\n  line  auc {mean:.4f} ± {spread:.4f}" in shown
    again = place.run("train", "train.json", "--resume", run.folder)
    assert "line: was trained before, its model is kept" in again.stderr
    assert again.stdout == shown and run.metrics["methods"]["line"]["folds"] == folds


def test_an_evaluation_takes_the_fold_that_has_not_seen_an_event(run, module_place, events):
    table = columns_of(events)
    for name, label in (("signal", 1), ("background", 0)):
        mine = table["label"] == label
        write_parquet(module_place / f"{name}.parquet", {key: values[mine] for key, values in table.items()})
        write_parquet(module_place / f"bare_{name}.parquet", {key: values[mine] for key, values in table.items() if key != "number"})

    def evaluate(prefix):
        files = [f"{name}={prefix}{name}.parquet" for name in ("signal", "background")]
        done = module_place.run("evaluate", run.model("deep"), *files, "--weight", "weight", "--json")
        return json.loads(done.stdout)["methods"]["deep"]["metrics"]["test"]["auc"], done.stderr

    found, said = evaluate("")
    assert found == pytest.approx(run.metrics["methods"]["deep"]["metrics"]["validation"]["auc"], abs=1e-9)
    assert "nothing here tells" not in said
    found, said = evaluate("bare_")
    assert found > 0.95, "two of three trees know each event"
    assert "deep: nothing here tells which of its 3 folds has not seen an event: every event gets their mean" in said


def test_inspect_shows_the_folds(run, module_place):
    shown = module_place.run("inspect", run.model("mlp")).stdout
    assert "3, by number % 3" in shown
    assert "fold 2, native: " in shown and "fold 0, python: " in shown
    refused = module_place.run("export", run.model("mlp"), "--cpp", "mlp.h", status=1).stderr
    assert "is a model of 3 folds, of which no C++ source is made" in refused


def test_each_fold_has_transforms_of_its_own(run):
    with zipfile.ZipFile(run.model("mlp")) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        arrays = [archive.read(f"transforms/{fold}.safetensors") for fold in range(FOLDS)]
    assert len(set(arrays)) == FOLDS
    assert manifest["transforms"] is None and manifest["folds"]["expression"] == ["%", ["column", "number"], ["number", 3.0]]
    assert [payload["fold"] for payload in manifest["payloads"]] == [0, 1, 2, 0, 1, 2]


def test_nothing_of_the_folds_is_left_beside_the_model(run, module_place):
    assert not list((run.folder / "checkpoints").rglob("*.ophion"))
    listed = module_place.run("trust", "--list").stdout
    assert "mlp.ophion" in listed and "fold0.ophion" not in listed
    lines = run.history("mlp")
    assert [line["fold"] for line in lines] == [0] * 3 + [1] * 3 + [2] * 3


def test_folds_may_be_drawn_beside_a_test_part_that_none_sees(place, events):
    run = place.train(folded(events, [line()], folds=4, test=0.2))
    scores = run.scores
    unseen = part(scores, "test")
    assert set(unseen["fold"]) == {-1}
    assert set(part(scores, "validation")["fold"]) == {0, 1, 2, 3}
    assert len(scores["number"]) == 1200 and len(set(scores["number"])) == 1200
    assert abs(len(unseen["number"]) - 240) < 5 * np.sqrt(1200 * 0.2 * 0.8)
    metrics = run.metrics["methods"]["line"]
    assert metrics["metrics"]["test"]["auc"] == pytest.approx(auc(unseen["line_score"], unseen["label"], unseen["weight"]), abs=1e-12)
    assert set(metrics["folds"]["mean"]) == {"train", "validation"}
    found = place.predict(run.model("line"), events, output="scores.parquet")
    score_of = dict(zip(found["number"], found["score"], strict=True))
    assert np.allclose([score_of[number] for number in unseen["number"]], unseen["line_score"], atol=1e-6), "the mean, in the run too"


@pytest.mark.slow
def test_a_fold_validates_on_some_of_its_training_events(place, events):
    run = place.train(folded(events, [network(early_stopping={"patience": 1})], validation=0.25))
    assert {line["fold"] for line in run.history("mlp")} == {0, 1, 2}
    assert all("validation/loss" in line for line in run.history("mlp"))
    assert run.metrics["data"]["parts"]["validation"] == 1200, "all are scored out of fold"


def test_a_run_that_failed_in_a_fold_is_resumed_with_that_fold(place, events):
    method = {"name": "centres", "type": "script", "script": str(SCRIPTS / "second_time.py")}
    place.write("train.json", folded(events, [method]))
    failed = place.run("train", "train.json", status=1)
    assert "not the second time" in failed.stderr
    folder = next((place / "runs" / "toy").glob("*/config.resolved.json")).parent
    assert [file.name for file in (folder / "checkpoints" / "centres").glob("*.ophion")] == ["fold0.ophion"]
    log = place.run("train", "train.json", "--resume", folder).stderr
    assert "centres, fold 1 of 3: was trained before, its model is kept" in log
    assert "centres, fold 2 of 3: training on" in log and "centres, fold 3 of 3: training on" in log
    assert (place / "trainings.txt").read_text() == "4", "the first fold once, the second one twice"
    scores = Run(folder).scores
    assert 0.7 < auc(scores["centres_score"], scores["label"]) < 0.9


@pytest.mark.slow
def test_a_killed_run_goes_on_with_the_fold_it_was_in(place, events):
    slow = network(script=SCRIPTS / "slow.py", epochs=3)
    place.write("train.json", folded(events, [slow]))
    process = place.program.start("train", "train.json", cwd=place.path)

    def second_fold():
        for file in (place / "runs" / "toy").glob("*/history/mlp.jsonl"):
            lines = [json.loads(line) for line in file.read_text().splitlines()]
            if lines and lines[-1]["fold"] == 1:
                return Run(file.parents[1])
        return None

    killed = wait_for(second_fold, process)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert (killed.folder / "checkpoints" / "mlp" / "fold0.ophion").exists() and not killed.model("mlp").exists()
    log = place.run("train", "train.json", "--resume", killed.folder).stderr
    assert "mlp, fold 1 of 3: was trained before" in log and "mlp, fold 2 of 3: training on" in log
    folds = [(line["fold"], line["epoch"]) for line in killed.history("mlp")]
    assert folds.count((0, 1)) == 1 and folds.count((1, 1)) == 1 and folds[-1] == (2, 3)
    place.run("train", "train.json", "--output", "whole")
    whole = Run(place / "whole" / "toy" / "latest")
    assert np.array_equal(whole.scores["mlp_score"], killed.scores["mlp_score"])


@pytest.mark.slow
def test_a_run_that_is_stopped_in_a_fold_says_so_and_goes_on_later(place, events):
    place.write("train.json", folded(events, [network(script=SCRIPTS / "slow.py", epochs=1000)]))
    process = place.program.start("train", "train.json", cwd=place.path)
    wait_for(lambda: any(file.read_text() for file in (place / "runs" / "toy").glob("*/history/mlp.jsonl")), process)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "stopped" in err and "Traceback" not in err


@pytest.mark.slow
def test_isolated_folds_score_as_those_of_this_process(place, events, run):
    isolated = place.train(folded(events, [network() | STANDARD | {"isolation": "process"}]))
    assert np.array_equal(isolated.scores["mlp_score"], run.scores["mlp_score"])


@pytest.mark.parametrize(
    ("split", "message"),
    [
        ({"folds": "number"}, "expected a remainder by the number of folds (from 2 to 100), such as 'event % 5', found 'number'"),
        ({"folds": "number % 1"}, "expected a remainder by the number of folds"),
        ({"folds": 1}, "expected at least 2, found 1"),
        ({"folds": 5, "validation": 1.0}, "expected less than 1"),
    ],
)
def test_folds_that_can_not_be_are_refused_before_data_is_read(place, split, message):
    refused = place.refused(config(by_label("nowhere.parquet"), [line()], split=split), verb="validate", status=2)
    assert message in refused and "/data/split" in refused


def test_a_fold_without_events_of_a_class_is_an_error(place, events):
    refused = place.refused(folded(events, [line()], folds="(label == 1 ? number : 1) % 3"))
    assert "fold 0 has no events of class 'background': data.split leaves it none" in refused


def test_a_fold_that_is_no_number_of_a_fold_is_an_error(place, events):
    refused = place.refused(folded(events, [line()], folds="(x0 < 0 ? -1 : number) % 3"))
    assert "data.split.folds '(x0 < 0 ? -1 : number) % 3' is no whole number from 0 to 2 in" in refused and "(first: -1 at entry" in refused
