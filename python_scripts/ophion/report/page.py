"""The page report/index.html: one file that needs no other, no network and no script."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2

from ophion.report import storage
from ophion.report.texts import FIGURES
from ophion.report.view import View

if TYPE_CHECKING:
    from ophion.report.draw import Saved

PIXELS = 96  # of a page's inch
RANKED_BY = {"classification": "auc", "regression": "rmse"}


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
    primary = RANKED_BY[view.task]
    columns = _columns(view)
    rows = []
    for name, entry in view.metrics.get("methods", {}).items():
        measured, training = view.measured(name), view.measured(name, view.reference) if view.reference else {}
        cells = [_cell(_at(measured, path), _error_at(measured, path), _at(training, path)) for _, path in columns]
        rows.append({
            "name": name, "type": entry.get("type", ""), "status": entry.get("status", ""), "error": entry.get("error", ""),
            "seconds": entry.get("seconds"), "cells": cells, "value": _at(measured, primary), "best": name == view.metrics.get("best"),
        })  # fmt: skip
    sign = -1 if view.task == "classification" else 1
    rows.sort(key=lambda row: (row["value"] is None, sign * (row["value"] or 0)))
    return {"columns": [title for title, _ in columns], "rows": rows, "reference": view.reference}


def _columns(view: View) -> list[tuple[str, str]]:
    """Titles and paths in metrics.json of the numbers in the table."""
    if view.task == "regression":
        return [("RMSE", "rmse"), ("MAE", "mae"), ("bias", "bias"), ("R²", "r2")]
    if view.binary:
        points = [(f"ε({view.classes[1]}) at ε({view.classes[0]}) = {100 * at:g} %", f"efficiency/{at}/value") for at in (0.01, 0.1, 0.3)]
        return [("AUC", "auc"), *points]
    return [("mean AUC", "auc"), ("accuracy", "accuracy"), ("log loss", "log_loss")]


def _at(measured: Mapping[str, Any], path: str) -> float | None:
    value: Any = measured
    for key in path.split("/"):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value if isinstance(value, int | float) else None


def _error_at(measured: Mapping[str, Any], path: str) -> float | None:
    return _at(measured, f"{path.removesuffix('/value')}/error") if path.endswith("/value") else _at(measured, f"{path}_error")


def _cell(value: float | None, error: float | None, training: float | None) -> dict[str, str]:
    def text(number: float) -> str:
        return f"{number:.4f}" if abs(number) < 10 else f"{number:.5g}"

    if value is None:
        return {"value": "–", "error": "", "training": ""}
    return {
        "value": text(value),
        "error": "" if error is None else f"± {text(error)}",
        "training": "" if training is None else f"({text(training)})",
    }


def _config(run: Path) -> dict[str, Any]:
    path = run / "config.resolved.json"
    return storage.read_json(path, "") if path.is_file() else {}


def _provenance(run: Path, view: View, config: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What made these numbers."""
    import matplotlib
    import numpy
    import platform

    facts = [("run", run.name), ("python", platform.python_version()), ("numpy", numpy.__version__), ("matplotlib", matplotlib.__version__)]
    if "seed" in config:
        facts.insert(1, ("seed", str(config["seed"])))
    for sample in (view.metrics.get("data") or {}).get("samples") or []:
        files = ", ".join(sample.get("files") or [])
        facts.append((f"sample {sample.get('class', '')}".strip(), f"{files}: {sample.get('selected', '?')} of {sample.get('read', '?')} events"))
    return facts
