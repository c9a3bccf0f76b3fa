"""ophion train: the run folder, the table, what it exits with."""

import json
import re
import zipfile

import numpy as np
import pytest
from support import SCRIPTS, STANDARD, Run, auc, by_label, columns_of, config, line, network, part, tree

FAILING = {"name": "broken", "type": "pytorch", "script": str(SCRIPTS / "failing.py"), "training": {"epochs": 2}}


@pytest.fixture(scope="module")
def run(module_place, events_file):
    """One run of three methods, the first of which fails."""
    data = {"spectators": ["event"], "split": {"validation": 0.2, "test": 0.3}}
    return module_place.train(config(by_label(events_file, weight="weight"), [FAILING, network() | STANDARD, tree()], **data))


@pytest.fixture(scope="module")
def again(module_place, run):
    """The same from config.resolved.json alone, moved elsewhere, into the same output."""
    elsewhere = module_place / "elsewhere"
    elsewhere.mkdir()
    resolved = elsewhere / "resolved.json"
    resolved.write_bytes((run.folder / "config.resolved.json").read_bytes())
    before = {file: file.read_bytes() for file in run.folder.rglob("*") if file.is_file()}
    done = module_place.program("train", "resolved.json", "--threads-are-not-an-option", cwd=elsewhere, status=2)
    assert "--threads-are-not-an-option" in done.stderr
    done = module_place.program("train", "resolved.json", cwd=elsewhere)
    assert {file: file.read_bytes() for file in run.folder.rglob("*") if file.is_file()} == before, "the first run was changed"
    folder = re.search(r"^run folder: (.*)$", done.stdout, re.M)[1]
    return Run(run.folder.parent / folder.rsplit("/", 1)[1], done.stdout, done.stderr)


def members(model):
    with zipfile.ZipFile(model) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_run_folder_holds_what_the_design_says(run):
    assert sorted(entry.name for entry in run.folder.iterdir()) == [
        "checkpoints",
        "config.resolved.json",
        "history",
        "metrics.json",
        "models",
        "run.log",
        "scores.parquet",
    ]
    assert sorted(file.name for file in (run.folder / "models").iterdir()) == ["mlp.ophion", "tree.ophion"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d{6}Z", run.folder.name)
    assert [line["epoch"] for line in run.history("mlp")] == [1, 2, 3]
    assert {"loss", "validation/loss", "learning_rate"} <= run.history("mlp")[0].keys()
    assert {file.name for file in (run.folder / "checkpoints" / "mlp").iterdir()} == {"best.pt", "newest.pt"}


def test_the_log_says_how_many_events_there_were(run):
    log = (run.folder / "run.log").read_text()
    assert re.search(r"sample 0 \('signal'\): 2000 events read \(sum of weights .*\), \d+ selected", log)
    assert "broken failed: " in log and "no such luck" in log
    assert "no such luck" in run.log, "stderr tells of a failure too"


def test_scores_stand_beside_part_entry_label_weight_and_spectators(run, events_file):
    scores, events = run.scores, columns_of(events_file)
    assert list(scores) == ["part", "sample", "entry", "label", "weight", "event", "mlp_score", "tree_score"]
    assert scores["event"].dtype == np.int64
    assert len(scores["entry"]) == 2000
    at = scores["entry"].astype(np.int64)
    for name, theirs in (("event", "event"), ("label", "label"), ("weight", "weight")):
        assert np.array_equal(scores[name], events[theirs][at]), name
    counts = run.metrics["data"]["parts"]
    for name in ("train", "validation", "test"):
        assert len(part(scores, name)["entry"]) == counts[name]


def test_metrics_are_those_of_the_scores_with_the_weights_as_read(run):
    """Against scikit-learn's AUC; two Gaussians 1.5 apart allow 0.856."""
    for name in ("train", "validation", "test"):
        rows = part(run.scores, name)
        for method in ("mlp", "tree"):
            expected = auc(rows[f"{method}_score"], rows["label"], rows["weight"])
            assert run.metrics["methods"][method]["metrics"][name]["auc"] == pytest.approx(expected, abs=1e-12)
            assert expected > 0.75
    # Signal efficiency where 10 % of the background passes.
    rows = part(run.scores, "test")
    score, label, weight = rows["tree_score"], rows["label"], rows["weight"]
    measured = run.metrics["methods"]["tree"]["metrics"]["test"]["efficiency"]["0.1"]["value"]
    cuts = [
        (weight[(label == 0) & (score >= cut)].sum() / weight[label == 0].sum(),
         weight[(label == 1) & (score >= cut)].sum() / weight[label == 1].sum())
        for cut in sorted(set(score), reverse=True)
    ]  # fmt: skip
    assert measured == pytest.approx(np.interp(0.1, *zip((0, 0), *cuts)), abs=1e-9)


def test_one_failing_method_does_not_lose_the_others(run):
    methods = run.metrics["methods"]
    assert {name: method["status"] for name, method in methods.items()} == {"broken": "failed", "mlp": "done", "tree": "done"}
    assert "no such luck" in methods["broken"]["error"]
    assert "model" not in methods["broken"]
    assert methods["mlp"]["model"] == "models/mlp.ophion"
    assert run.metrics["best"] in ("mlp", "tree")


def test_best_is_chosen_on_validation(run):
    methods = run.metrics["methods"]
    aucs = {name: methods[name]["metrics"]["validation"]["auc"] for name in ("mlp", "tree")}
    assert run.metrics["best"] == max(aucs, key=aucs.get)


def test_json_is_the_only_thing_on_stdout(run):
    result = json.loads(run.out)
    assert result.pop("folder") == str(run.folder)
    assert result == run.metrics


def test_the_resolved_config_reproduces_the_run_bit_for_bit(run, again):
    first, second = run.scores, again.scores
    assert list(first) == list(second)
    for name in first:
        assert first[name].tobytes() == second[name].tobytes(), name
    for method in ("mlp", "tree"):
        theirs = members(again.model(method))
        for name, content in members(run.model(method)).items():
            if not name.endswith((".skops", "manifest.json", "manifest.sha256")):  # they hold the time of making
                assert theirs[name] == content, f"{method}: {name}"
    assert (again.folder / "config.resolved.json").read_text() == (run.folder / "config.resolved.json").read_text()
    timeless = [{key: value for key, value in one.metrics["methods"]["mlp"].items() if key != "seconds"} for one in (run, again)]
    assert timeless[0] == timeless[1]


def test_a_second_run_gets_its_own_folder_and_latest_points_at_it(run, again):
    assert again.folder != run.folder and again.folder.parent == run.folder.parent
    assert (run.folder.parent / "latest").readlink().name == again.folder.name


def test_the_table_ranks_methods_by_their_test_auc(again):
    lines = again.out.splitlines()
    assert re.split(r"\s{2,}", lines[0].strip()) == [
        "rank", "method", "AUC test", "AUC train", "efficiency at 1 %", "at 10 %", "at 30 % background",
    ]  # fmt: skip
    methods = again.metrics["methods"]
    order = sorted(("mlp", "tree"), key=lambda name: -methods[name]["metrics"]["test"]["auc"])
    for number, name in enumerate(order, 1):
        test, train = methods[name]["metrics"]["test"], methods[name]["metrics"]["train"]
        cells = re.split(r"\s{2,}", lines[number].strip())
        assert cells[:4] == [
            str(number),
            name,
            f"{test['auc']:.4f} ± {test['auc_error']:.4f}",
            f"{train['auc']:.4f} ± {train['auc_error']:.4f}",
        ]
        assert cells[4:] == [
            f"{test['efficiency'][at]['value']:.3f} ({train['efficiency'][at]['value']:.3f})" for at in ("0.01", "0.1", "0.3")
        ]
    assert any(line.startswith("broken: failed: ") and "no such luck" in line for line in lines)
    assert f"best on validation: {again.metrics['best']}" in lines
    # Columns line up: every "±" of a column stands below the other.
    assert lines[1].index("±") == lines[2].index("±")
    assert lines[0].index("AUC train") - lines[0].index("AUC test") == lines[1].index(
        f"{methods[order[0]]['metrics']['train']['auc']:.4f} ±"
    ) - lines[1].index(f"{methods[order[0]]['metrics']['test']['auc']:.4f} ±")


def test_nothing_but_text_goes_to_a_pipe(again):
    assert "\033" not in again.out + again.log and "\r" not in again.out + again.log


def test_set_and_output_change_what_the_file_says(place, events_file):
    place.write("train.json", config(by_label(events_file), [tree(), tree("other")]))
    arguments = ["--set", "methods.0.params.max_depth=2", "--set", "seed=9", "--set", "methods.1.name=second", "--output", "out here"]
    done = place.run("train", "train.json", "--json", *arguments)
    folder = Run(place / "out here" / "toy" / "latest").folder.resolve()
    assert json.loads(done.stdout)["folder"] == str(folder)
    resolved = json.loads((folder / "config.resolved.json").read_text())
    assert resolved["methods"][0]["params"] == {"max_depth": 2} and resolved["methods"][1]["params"] == {"max_depth": 4}
    assert resolved["seed"] == 9
    assert sorted(file.stem for file in (folder / "models").iterdir()) == ["second", "tree"]
    assert not (place / "runs").exists()
    assert len(set(columns_of(folder / "scores.parquet")["tree_score"])) <= 4, "a tree of depth 2 has at most 4 leaves"


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("methods.0.parms.max_depth=5", "did you mean 'params'"),
        ("methods.7.name=x", "7"),
        ("sed=3", "did you mean 'seed'"),
        ("seed", "expected KEY=VALUE, found 'seed'"),
        ("seed=-1", "/seed"),
        ("methods.0.params.max_depht=3", "did you mean 'max_depth'"),
    ],
)
def test_a_wrong_override_is_wrong_usage(place, events_file, override, said):
    place.write("train.json", config(by_label(events_file), [tree()]))
    done = place.run("train", "train.json", "--set", override, status=2)
    assert said in done.stderr and "Traceback" not in done.stderr
    assert not (place / "runs").exists(), "no run folder is made for a wrong config"


def test_when_every_method_fails_the_run_fails(place, events_file):
    fails = {"name": "broken", "type": "script", "script": str(SCRIPTS / "guest.py"), "params": {"how": "raise", "when": "train"}}
    place.write("train.json", config(by_label(events_file), [fails, {**fails, "name": "too"}]))
    done = place.run("train", "train.json", status=1)
    assert done.stdout == ""
    assert done.stderr.splitlines()[-3:] == [
        "ophion: no method gave a model:",
        "broken: guest.py: train(): ValueError: no luck",
        "too: guest.py: train(): ValueError: no luck",
    ]
    assert 'guest.py", line 27, in misbehave' in done.stderr, "where it happened"
    (run,) = (Run(folder) for folder in (place / "runs" / "toy").iterdir() if not folder.is_symlink())
    assert {method["status"] for method in run.metrics["methods"].values()} == {"failed"}
    assert run.metrics["best"] is None
    assert list((run.folder / "models").iterdir()) == [], "nothing half-made is left"


@pytest.mark.parametrize(
    "arguments",
    [[], ["trane", "x.json"], ["train"], ["train", "x.json", "--sett", "a=1"], ["predict", "x.ophion"], ["train", "not_there.json"]],
)
def test_wrong_usage_exits_with_2_and_says_so(place, arguments):
    done = place.run(*arguments, status=2)
    assert done.stderr.strip()


@pytest.mark.parametrize("option", ["--output", "--resume"])
def test_a_folder_without_a_name_is_wrong_usage(place, events_file, option):
    """As of a shell's variable that is not set: a resumed run would begin anew."""
    place.write("train.json", config(by_label(events_file), [line()]))
    done = place.run("train", "train.json", option, "", status=2)
    assert f"{option}: expected a folder, found an empty text" in done.stderr
    assert not (place / "runs").exists()


def test_an_output_that_can_not_be_is_named_before_any_event_is_read(place, events_file):
    text = place.refused(config(by_label(events_file), [line()]), "--output", "train.json")
    assert text == f"ophion: cannot make the folder {place.path}/train.json/toy: Not a directory\n"


def test_help_and_version_exit_with_0(place):
    assert "train" in place.run("--help").stdout
    assert "--resume" in place.run("train", "--help").stdout
    assert re.fullmatch(r"ophion \d+\.\d+\.\d+\n", place.run("--version").stdout)
