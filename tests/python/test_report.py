"""The report's figures and page: what is drawn for which task, and that the page needs and reveals nothing else."""

import copy
import json
import os
import re
import resource
import subprocess
import sys
import time

import matplotlib
import numpy as np
import pytest
from conftest import ROOT

from ophion.errors import DataError, OptionError
from ophion.report import draw, figures_inputs, figures_training, storage, texts
from ophion.report.page import write_page
from ophion.report.summarise import Summary
from ophion.report.view import View
from ophion.tools import metrics_tool, report_tool

HOSTILE = '<script>alert("x")</script>&$\\alpha$_' + "long" * 30
FIGURES_OF_ANY = {"inputs", "transformed", "correlations", "spectators", "history", "importance", "tuning"}
EPOCHS = [{"epoch": 1, "loss": 1.0, "validation/loss": 1.2, "learning_rate": 0.1}]
TUNING = {"trials": [{"number": 0, "value": 0.5}, {"number": 1, "value": None}], "importance": {"params.hidden": 0.7}}


def toy(task, outputs, methods=("mlp", "tree"), count=240, features=("x", HOSTILE), seed=3):
    """Arguments of start(), data of each part, and metrics.json, of a run that never was."""
    rng = np.random.default_rng(seed)
    classes = [] if task == "regression" else ["background", "signal"] if outputs == 2 else [f"class{k}" for k in range(outputs)]
    targets = [f"target{k}" for k in range(outputs)] if task == "regression" else []
    arguments = {"task": task, "classes": classes, "targets": targets, "title": f"run {HOSTILE}"}
    arguments |= {"features": [{"name": name, "unit": "GeV"} for name in features], "transformed": {methods[0]: list(features)}}
    metrics = {"name": "toy", "task": task, "classes": classes, "methods": {}, "best": methods[-1], "data": {}}
    parts = {}
    for part in ("train", "test"):
        x = rng.normal(size=(count, len(features))).astype(np.float32)
        data = {"features": x, "weights": rng.normal(1, 0.7, count), "spectator:mass": rng.normal(size=count)}
        data[f"transformed:{methods[0]}"] = 2 * x
        if task == "regression":
            data["targets"] = np.column_stack([x[:, 0] + k for k in range(outputs)]).astype(np.float32)
        else:
            data["labels"] = rng.integers(0, outputs, count).astype(np.int32)
        for method in methods:
            width = outputs if targets or outputs > 2 else 1
            data[f"scores:{method}"] = rng.dirichlet(np.ones(max(width, 2)), count)[:, :width].astype(np.float32)
        parts[part] = data
    for method in methods:
        job, measured = metrics_tool.start({}), {}
        for part, data in parts.items():
            of_part = {"scores": data[f"scores:{method}"], "weights": data["weights"]}
            of_part |= {key: data[key] for key in ("labels", "targets") if key in data}
            measured[part] = job.run({"task": task, "classes": classes, "targets": targets, "part": part}, of_part)
        values = [{"feature": name, "value": 0.1, "error": 0.02} for name in features]
        importance = {"part": "test", "metric": "auc", "permutation": values, "own": {"name": "gain", "values": values}}
        metrics["methods"][method] = {"type": "sklearn", "status": "done", "seconds": 1.5}
        metrics["methods"][method] |= {"metrics": measured, "importance": importance}
    metrics["methods"][methods[0]]["tuning"] = TUNING
    metrics["methods"]["broken"] = {"type": "pytorch", "status": "failed", "error": f"RuntimeError: {HOSTILE}"}
    if classes:
        metrics["data"]["separation"] = [{"feature": name, "value": 0.2, "by_chance": 0.01} for name in features]
        pair = {"a": methods[0], "b": methods[-1], "difference": 0.012, "error": 0.004, "interval": [0.004, 0.02], "p_value": 0.002}
        metrics["comparison"] = {"metric": "auc", "part": "test", "replicates": 500, "pairs": [pair]}
    return arguments, parts, metrics


def view_of(arguments, parts, metrics):
    summary = Summary(arguments)
    for part, data in parts.items():
        summary.add(part, data)
    return View(json.loads(json.dumps(summary.facts)), summary.histograms, metrics, {"mlp": EPOCHS, "broken": []})


def write_run(folder, arguments, parts, metrics, options=None):
    """A run's folder with its report; what finish() gives."""
    (folder / "history").mkdir(parents=True)
    (folder / "history" / "mlp.jsonl").write_text("".join(json.dumps(epoch) + "\n" for epoch in EPOCHS))
    (folder / "metrics.json").write_text(json.dumps(metrics))
    config = {"name": HOSTILE, "seed": 4, "data": {"weights": {"normalise": "none"}}}
    (folder / "config.resolved.json").write_text(json.dumps(config))
    job = report_tool.start(arguments | {"folder": str(folder), "options": options or {}})
    for part, data in parts.items():
        job.run({"part": part}, data)
    return job.finish()


@pytest.mark.parametrize(
    ("task", "outputs", "own"),
    [
        ("classification", 2, {"separation", "scores", "roc", "calibration", "confusion", "cuts"}),
        ("classification", 3, {"separation", "scores", "roc", "calibration", "confusion"}),
        ("regression", 2, {"predictions", "residuals", "response"}),
    ],
)
def test_each_task_has_its_own_kinds_of_figures(task, outputs, own):
    kinds = [drawn.kind for drawn in draw.figures_of(view_of(*toy(task, outputs)))]
    assert set(kinds) == own | FIGURES_OF_ANY
    assert set(kinds) <= set(texts.FIGURES)
    if task == "regression":
        assert kinds.count("response") == outputs
    elif outputs == 3:
        assert kinds.count("roc") == outputs


def empty_class(data):
    data["labels"][:] = 0


def zero_weights(data):
    data["weights"][:] = 0


def missing_values(data):
    data["features"][:, 0] = np.nan
    data["features"][:, 1] = 7


def no_scores(data):
    data["scores:mlp"][:] = np.nan


def a_class_of_negative_weight(data):
    data["weights"][:] = np.where(data["labels"] == 1, -1.0, 1.0)


def weights_that_cancel(data):
    data["weights"][:] = 1.0
    background = np.flatnonzero(data["labels"] == 0)
    data["weights"][background[: len(background) // 2]] = -1.0
    data["weights"][background[-1]] += 0.25


def equal_scores(data):
    data["scores:mlp"][:] = 0.25


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize(
    "spoil",
    [empty_class, zero_weights, missing_values, no_scores, a_class_of_negative_weight, weights_that_cancel, equal_scores],
)
def test_what_cannot_be_drawn_is_left_out(spoil):
    arguments, parts, metrics = toy("classification", 2, methods=("mlp",))
    for data in parts.values():
        spoil(data)
    del metrics["methods"]["mlp"]["metrics"]
    kinds = {drawn.kind for drawn in draw.figures_of(view_of(arguments, parts, metrics))}
    assert {"inputs", "scores"} <= kinds
    assert ("roc" in kinds) == (spoil in (missing_values, a_class_of_negative_weight, equal_scores))


def test_forty_features_are_drawn_in_figures_of_at_most_nine():
    names = [f"x{k}" for k in range(40)]
    arguments, parts, metrics = toy("classification", 2, methods=("mlp",), features=names, count=60)
    del parts["train"], parts["test"]["transformed:mlp"]
    figures = list(figures_inputs.inputs(view_of(arguments, parts, metrics)))
    assert [drawn.stem for drawn in figures] == [f"inputs_{k}" for k in range(1, 6)]
    shown = [axes.get_xlabel() for drawn in figures for axes in drawn.figure.axes if axes.get_xlabel()]
    assert shown == [f"{name} [GeV]" for name in names]


def test_correlations_are_drawn_again_only_after_transforms_that_change_them():
    arguments, parts, metrics = toy("classification", 2, methods=("mlp",), features=("x", "y"))
    del parts["test"]
    scaled = [drawn.stem for drawn in figures_inputs.correlations(view_of(arguments, parts, metrics))]
    parts["train"]["transformed:mlp"] = parts["train"]["features"] @ np.array([[1, 1], [1, -1]], np.float32)
    rotated = [drawn.stem for drawn in figures_inputs.correlations(view_of(arguments, parts, metrics))]
    assert (scaled, rotated) == (["correlations"], ["correlations", "correlations_mlp"])


def test_names_are_shown_as_they_are_written():
    arguments, parts, metrics = toy("classification", 2, methods=("mlp",), features=("_hidden", "$p_T$"))
    figure = next(figures_inputs.inputs(view_of(arguments, parts, metrics))).figure
    assert [axes.get_xlabel().strip() for axes in figure.axes] == ["_hidden [GeV]", r"\$p_T\$ [GeV]"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A small regression, drawn once for all that look at its page: few figures, since drawing them is what takes time."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    patch = pytest.MonkeyPatch()
    patch.setattr(draw, "DPI", 40)
    arguments, parts, metrics = toy("regression", 1, methods=("mlp",), features=(HOSTILE,))
    for data in parts.values():
        del data["spectator:mass"], data["transformed:mlp"]
    del metrics["methods"]["mlp"]["tuning"], metrics["methods"]["mlp"]["importance"]
    yield folder, write_run(folder, arguments, parts, metrics, {"style": "CMS", "label": "Simulation"})
    patch.undo()


def files_in(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_report_is_a_page_its_figures_and_what_it_is_drawn_from(run):
    folder, result = run
    stems = ["correlations", "history_mlp", "inputs", "predictions_target0", "residuals_target0", "response_target0"]
    figures = {f"figures/{stem}.{kind}" for stem in stems for kind in ("png", "pdf")}
    assert set(files_in(folder / "report")) == figures | {"index.html", "summary.json", "histograms.root"}
    assert result == {"page": str(folder / "report" / "index.html"), "figures": 6}
    for name, content in files_in(folder / "report" / "figures").items():
        assert content.startswith(b"\x89PNG" if name.endswith(".png") else b"%PDF")


def test_the_page_needs_no_other_file_and_has_no_script(run):
    page = (run[0] / "report" / "index.html").read_text(encoding="utf-8")
    sources = re.findall(r"""(?:src|href|action|data)\s*=\s*["']([^"']{0,40})""", page)
    assert len([source for source in sources if source.startswith("data:image/png;base64,")]) == 6
    assert all(source.startswith(("data:image/png;base64,", "#")) for source in sources)
    assert not re.search(r"<script|<link|<iframe|@import|url\(|https?://|\son\w+=", page)


def test_every_name_in_the_page_is_escaped(run):
    page = (run[0] / "report" / "index.html").read_text(encoding="utf-8")
    assert HOSTILE not in page
    assert "&lt;script&gt;alert(" in page
    assert "RuntimeError: &lt;script&gt;" in page  # what the failed method said


def test_the_page_tells_the_numbers_of_metrics_json(run):
    page = (run[0] / "report" / "index.html").read_text(encoding="utf-8")
    measured = json.loads((run[0] / "metrics.json").read_text())["methods"]["mlp"]["metrics"]
    assert f"{measured['test']['rmse']:.4f} ± {measured['test']['rmse_error']:.4f}" in page
    assert f"({measured['train']['rmse']:.4f})" in page


def test_drawing_again_gives_the_same_files_and_leaves_matplotlibs_settings(run):
    folder, first = run
    settings = copy.deepcopy(dict(matplotlib.rcParams))
    before = files_in(folder / "report")
    (folder / "report" / "figures" / "of_an_earlier_drawing.png").write_bytes(b"\x89PNG")
    assert report_tool.start({"folder": str(folder)}).finish() == first
    assert files_in(folder / "report") == before
    assert dict(matplotlib.rcParams) == settings


def test_the_example_in_the_docs_restyles_the_scores(tmp_path, monkeypatch):
    arguments, parts, _ = toy("classification", 2, methods=("mlp",))
    summary = Summary(arguments)
    summary.add("test", parts["test"])
    storage.save(tmp_path / "report", summary.facts, summary.histograms)
    example = re.search(r"```python\n(.*?)```", (ROOT / "docs" / "report.md").read_text(encoding="utf-8"), re.DOTALL).group(1)
    monkeypatch.chdir(tmp_path)
    with matplotlib.rc_context({"backend": "agg"}):
        names: dict = {}
        exec(example, names)
    assert set(names["shapes"]) == {"mlp/signal/background", "mlp/signal/signal"}
    assert (tmp_path / "scores.pdf").read_bytes().startswith(b"%PDF")


def test_the_docs_hold_the_texts_of_the_page():
    script = ROOT / "scripts" / "make_report_reference.py"
    done = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def written(tmp_path):
    """Writes the page of two classes, without figures."""

    def write(change):
        arguments, parts, metrics = toy("classification", 2, features=("x",))
        change(metrics)
        (tmp_path / "report").mkdir()
        return write_page(tmp_path, view_of(arguments, parts, metrics), []).read_text(encoding="utf-8")

    return write


def test_methods_are_ranked_by_the_final_part_and_failed_ones_come_last(written):
    def order(metrics):
        for name, auc in (("mlp", 0.7), ("tree", 0.8)):
            metrics["methods"][name]["metrics"]["test"]["auc"] = auc

    page = written(order)
    rows = re.findall(r"<tr[^>]*><td>(\w+)</td><td class=\"left\">", page)
    assert rows[:3] == ["tree", "mlp", "broken"]


def test_differences_of_methods_are_told_with_their_interval(written):
    page = written(lambda metrics: None)
    assert "+0.012 ± 0.004" in page
    assert "+0.004 to +0.02" in page


def test_a_cross_validation_is_told_by_mean_and_spread_of_its_folds(written):
    def folds(metrics):
        metrics["methods"]["mlp"]["folds"] = {"metrics": [], "mean": {"test": {"auc": 0.61234}}, "spread": {"test": {"auc": 0.0123}}}

    page = written(folds)
    assert "<th>test, by folds</th>" in page
    assert "0.6123 ± 0.0123" in page


def test_each_fold_has_a_line_in_the_history():
    epochs = [{"epoch": epoch, "fold": fold, "loss": 1 / epoch} for fold in range(3) for epoch in (1, 2)]
    arguments, parts, metrics = toy("classification", 2, features=("x",))
    view = View(Summary(arguments).facts, {}, metrics, {"mlp": epochs})
    (drawn,) = figures_training.history(view)
    (panel,) = drawn.figure.axes
    assert [list(line.get_xdata()) for line in panel.lines] == [[1, 2]] * 3


def test_a_style_that_is_none_is_told_with_the_nearest(tmp_path):
    with pytest.raises(OptionError, match="there is no style 'ATLS', did you mean 'ATLAS'"):
        report_tool.start({"folder": str(tmp_path), "options": {"style": "ATLS"}})


def test_the_styles_are_those_of_the_schema():
    schema = json.loads((ROOT / "config" / "schema.json").read_text(encoding="utf-8"))
    assert schema["properties"]["report"]["properties"]["style"]["enum"] == list(report_tool.STYLES)


def test_a_folder_that_is_no_run_is_told(tmp_path):
    with pytest.raises(DataError, match=r"summary.json: is missing"):
        report_tool.start({"folder": str(tmp_path)}).finish()


def test_nothing_is_written_by_a_report_that_is_given_up(tmp_path):
    arguments, parts, _ = toy("classification", 2)
    job = report_tool.start(arguments | {"folder": str(tmp_path)})
    job.run({"part": "test"}, parts["test"])
    job.abandon()
    assert list(tmp_path.iterdir()) == []


def test_the_tool_imports_no_drawing_library_before_a_report_is_made():
    heavy = "import sys, ophion.tools.report_tool; print({'matplotlib', 'mplhep', 'hist', 'uproot', 'jinja2'} & set(sys.modules))"
    environment = os.environ | {"PYTHONPATH": str(ROOT / "python_scripts")}
    done = subprocess.run([sys.executable, "-c", heavy], capture_output=True, text=True, env=environment)
    assert done.stdout.strip() == "set()", done.stderr


@pytest.mark.skipif(not os.environ.get("OPHION_SLOW_TESTS"), reason="takes a minute; OPHION_SLOW_TESTS is not set")
def test_forty_features_of_many_events_stay_below_a_gigabyte(tmp_path):
    names, methods = [f"feature_{k}" for k in range(40)], ("mlp", "tree", "forest")
    arguments, parts, metrics = toy("classification", 2, methods=methods, features=names, count=100_000)
    metrics["methods"]["mlp"].pop("tuning")
    begin, before = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    write_run(tmp_path / "run", arguments, parts, metrics)
    print(f"{time.process_time() - begin:.1f} s of processor time")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1_000_000  # kB
    assert (tmp_path / "run" / "report" / "index.html").stat().st_size < 15_000_000
