"""The page report/index.html: one file that needs no other, no network and no script."""

from __future__ import annotations

import base64
import json
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2
import matplotlib
import numpy

from ophion.metrics import PRIMARY
from ophion.metrics.roc import BACKGROUND_EFFICIENCIES, SIGNAL_EFFICIENCIES
from ophion.report import storage
from ophion.report.summarise import PARTS
from ophion.report.texts import FIGURES
from ophion.report.view import View

if TYPE_CHECKING:
    from ophion.report.draw import Saved

PIXELS = 96  # of a page's inch
Keys = tuple[str, ...]  # keys in the metrics of a part
OF_TARGETS = (
    ("RMSE", "rmse"), ("mean absolute error", "mae"), ("bias", "bias"), ("R²", "r2"),
    ("half width of the central 68 %", "half_width"),
)  # fmt: skip


def write_page(run: Path, view: View, figures: Sequence[Saved]) -> Path:
    """Write the page; every text in it is escaped by the template."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True, lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )  # fmt: skip
    config = _config(run)
    text = environment.get_template("page.html.jinja").render(
        title=view.facts["title"] or view.metrics.get("name") or run.name,
        task=view.task,
        final=view.final,
        data=_data_table(view),
        ranking=_ranking(view),
        sections=_sections(run / "report" / "figures", figures),
        comparison=_comparison(view.metrics.get("comparison") or {}),
        details=_details(view),
        provenance=_provenance(run, view, config),
        config=json.dumps(config, indent=2, ensure_ascii=False) if config else "",
        stopped=bool(view.metrics.get("stopped")),
    )
    page = run / "report" / "index.html"
    storage.replace(page, lambda path: path.write_text(text, encoding="utf-8"))
    return page


def _sections(folder: Path, figures: Sequence[Saved]) -> list[dict[str, Any]]:
    """Kinds of figures in the order of the texts, each figure with its picture in the text of the page."""
    sections = []
    for kind, text in FIGURES.items():
        own = [
            {
                "stem": figure.stem,
                "caption": figure.caption,
                "width": round(figure.width * PIXELS),
                "source": "data:image/png;base64," + base64.b64encode((folder / f"{figure.stem}.png").read_bytes()).decode(),
            }
            for figure in figures
            if figure.kind == kind
        ]
        if own:
            sections.append({"kind": kind, "text": text, "figures": own})
    return sections


def _data_table(view: View) -> dict[str, Any]:
    """Events and sums of weights by class and part."""
    parts = list(view.facts["parts"])
    groups = view.classes or ["events"]
    rows = []
    for group in groups:
        counts = [view.facts["parts"][part].get(group, {"events": 0, "weight": 0.0, "negative": 0}) for part in parts]
        rows.append({"name": group if view.classes else "all events", "counts": counts, "sum": _sum(counts)})
    if len(rows) > 1:
        totals = [_sum([row["counts"][number] for row in rows]) for number in range(len(parts))]
        rows.append({"name": "all", "counts": totals, "sum": _sum(totals)})
    negative = any(count["negative"] for row in rows for count in row["counts"])
    return {"parts": parts, "rows": rows, "negative": negative}


def _sum(counts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {key: sum(count[key] for count in counts) for key in ("events", "weight", "negative")}


def _ranking(view: View) -> dict[str, Any]:
    """Methods, the best first, with their numbers in the final part (and in training)."""
    columns = _columns(view)
    higher = PRIMARY[view.task][1]
    rows = []
    for name, entry in view.metrics.get("methods", {}).items():
        measured, training = view.measured(name), view.measured(name, view.reference) if view.reference else {}
        rows.append({
            "name": name, "type": entry.get("type", ""), "status": entry.get("status", ""), "error": entry.get("error", ""),
            "seconds": entry.get("seconds"), "best": name == view.metrics.get("best"),
            "cells": [_cell(measured, path, training) for _, path in columns],
            "value": _at(measured, (PRIMARY[view.task][0],)),
        })  # fmt: skip
    rows.sort(key=lambda row: (row["value"] is None, (-1 if higher else 1) * (row["value"] or 0)))
    return {"columns": [title for title, _ in columns], "rows": rows, "reference": view.reference}


def _columns(view: View) -> list[tuple[str, Keys]]:
    """Titles and paths in metrics.json of the numbers in the ranking."""
    if view.task == "regression":
        return [(title, (key,)) for title, key in OF_TARGETS[:4]]
    if view.binary:
        background, signal = view.classes
        at = BACKGROUND_EFFICIENCIES
        points = [(f"ε({signal}) at ε({background}) = {100 * e:g} %", ("efficiency", str(e), "value")) for e in at]
        return [("AUC", ("auc",)), *points]
    return [("mean AUC", ("auc",)), ("accuracy", ("accuracy",)), ("log loss", ("log_loss",))]


def _comparison(found: Mapping[str, Any]) -> dict[str, Any] | None:
    """Pairs of methods and how they differ, as texts."""
    pairs = [
        {
            "a": pair["a"],
            "b": pair["b"],
            "difference": f"{pair['difference']:+.4g} ± {pair['error']:.2g}",
            "interval": " to ".join(f"{end:+.4g}" for end in pair["interval"]),
            "p_value": f"{pair['p_value']:.2g}",
        }
        for pair in found.get("pairs") or []
        if None not in (pair["difference"], pair["error"], pair["interval"], pair["p_value"])
    ]
    return {**{key: found[key] for key in ("metric", "part", "replicates")}, "pairs": pairs} if pairs else None


def _details(view: View) -> list[dict[str, Any]]:
    """Each method's numbers in each part; of a cross-validation also the mean over the folds, with their spread."""
    found = []
    for name, entry in view.metrics.get("methods", {}).items():
        parts = [part for part in PARTS if part in (entry.get("metrics") or {})]
        measured = [entry["metrics"][part] for part in parts]
        of_folds = entry.get("folds") or {}
        folds = [part for part in parts if part in (of_folds.get("mean") or {})]
        rows = [
            (title, [_cell(one, path) for one in measured] + [_over_folds(of_folds, (part, *path)) for part in folds])
            for title, path in _rows(view)
            if any(_at(one, path) is not None for one in measured)
        ]
        about = [f"type {entry.get('type', '?')}", str(entry.get("status", ""))]
        if isinstance(entry.get("seconds"), int | float):
            about.append(f"{entry['seconds']:.3g} s")
        about += [f"{key} {entry[key]}" for key in ("model", "error") if entry.get(key)]
        found.append({"name": name, "about": ", ".join(about), "parts": [*parts, *(f"{part}, by folds" for part in folds)], "rows": rows})
    return found


def _rows(view: View) -> list[tuple[str, Keys]]:
    """Titles and paths in metrics.json of all that is said of a method."""
    rows: list[tuple[str, Keys]] = [("events", ("events",)), ("without a score", ("unscored",))]
    if view.task == "regression":
        rows += [(title, (key,)) for title, key in OF_TARGETS]
        if len(view.targets) > 1:
            rows += [(f"{title}, {target}", ("per_target", target, key)) for target in view.targets for title, key in OF_TARGETS]
        return rows
    rows.append(("AUC" if view.binary else "AUC, mean of all classes", ("auc",)))
    if view.binary:
        background, signal = view.classes
        for e in BACKGROUND_EFFICIENCIES:
            rows.append((f"efficiency of {signal} at {100 * e:g} % of {background}", ("efficiency", str(e), "value")))
        for e in SIGNAL_EFFICIENCIES:
            rows.append((f"1 / efficiency of {background} at {100 * e:g} % of {signal}", ("rejection", str(e), "value")))
    else:
        rows += [(f"AUC, {name} against all others", ("per_class", name, "auc")) for name in view.classes]
        rows.append(("AUC, mean of all pairs", ("auc_one_vs_one",)))
    rows += [(key.replace("_", " "), (key,)) for key in ("accuracy", "log_loss", "brier", "calibration_error")]
    for title, kind in (("best S/√(S+B)", "s_over_sqrt_sb"), ("best S/√B", "s_over_sqrt_b"), ("best Asimov significance", "asimov")):
        rows += [(title, ("significance", kind, "value")), (f"{title}: its cut", ("significance", kind, "cut"))]
    return rows + [(f"Kolmogorov-Smirnov p against training, {name}", ("ks", name, "p_value")) for name in view.classes]


def _at(measured: Mapping[str, Any], path: Keys) -> float | None:
    value: Any = measured
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value if isinstance(value, int | float) else None


def _cell(measured: Mapping[str, Any], path: Keys, training: Mapping[str, Any] | None = None) -> dict[str, str]:
    """A number, its error, and what it is in training, as texts."""
    value, error = _at(measured, path), _at(measured, (*path[:-1], "error" if path[-1] == "value" else f"{path[-1]}_error"))
    if value is None:
        return {"value": "–", "error": "", "training": ""}
    of_training = None if training is None else _at(training, path)
    return {
        "value": _text(value),
        "error": "" if error is None else f"± {_text(error)}",
        "training": "" if of_training is None else f"({_text(of_training)})",
    }


def _over_folds(folds: Mapping[str, Any], path: Keys) -> dict[str, str]:
    """The mean of a cross-validation's folds, and how they spread around it."""
    mean, spread = _at(folds["mean"], path), _at(folds["spread"], path)
    return {"value": "–" if mean is None else _text(mean), "error": "" if spread is None else f"± {_text(spread)}"}


def _text(number: float) -> str:
    if isinstance(number, int):
        return f"{number:,}"
    return f"{number:.4f}" if 0.001 <= abs(number) < 10 or number == 0 else f"{number:.4g}"


def _config(run: Path) -> dict[str, Any]:
    path = run / "config.resolved.json"
    return storage.read_json(path, "") if path.is_file() else {}


def _provenance(run: Path, view: View, config: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What made these numbers."""
    versions = f"Python {platform.python_version()}, NumPy {numpy.__version__}, matplotlib {matplotlib.__version__}"
    facts = [("folder", str(run.resolve())), ("drawn with", versions)]
    facts += [("seed", str(config["seed"]))] if "seed" in config else []
    for sample in (view.metrics.get("data") or {}).get("samples") or []:
        files, used, read = ", ".join(sample.get("files") or []), sample.get("selected", "?"), sample.get("read", "?")
        facts.append((f"sample {sample.get('class', '')}".strip(), f"{files}: {used} of {read} events"))
    return facts
