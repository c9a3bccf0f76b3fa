"""Draws a report from what its folder holds: figures as PNG and PDF, and the page."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.figure import Figure

from ophion import contract
from ophion.report import figures_classes, figures_inputs, figures_regression, figures_training, storage, style
from ophion.report.page import write_page
from ophion.report.storage import Keys
from ophion.report.view import Drawn, View

DPI = 160  # of the PNG files: about two pixels for one of the page
FOR_CLASSES = (
    figures_inputs.separation, figures_inputs.inputs, figures_inputs.correlations,
    figures_classes.scores, figures_classes.roc, figures_classes.cuts, figures_classes.calibration, figures_classes.confusion,
)  # fmt: skip
FOR_TARGETS = (
    figures_inputs.inputs, figures_inputs.correlations,
    figures_regression.predictions, figures_regression.residuals, figures_regression.response,
)  # fmt: skip
FOR_ALL = (figures_training.spectators, figures_training.history, figures_training.importance, figures_training.tuning)

log = logging.getLogger("ophion.report")


class Saved(NamedTuple):
    """A figure that lies in report/figures."""

    kind: str
    stem: str
    caption: str
    width: float  # inches


def view_of(run: Path, facts: Mapping[str, Any], histograms: Mapping[str, Any]) -> View:
    """The summary with metrics.json and the histories of the run's folder."""
    metrics = storage.read_json(run / "metrics.json", "a report shows its numbers")
    histories = {name: storage.read_history(run / "history" / f"{name}.jsonl") for name in metrics.get("methods", {})}
    return View(facts, histograms, metrics, histories)


def draw(run: Path, view: View, options: Mapping[str, Any]) -> dict[str, Any]:
    """Draw everything into <run>/report.

    Parameters
    ----------
    options : dict
        "style", "label".

    Returns
    -------
    dict
        {"page": path of index.html, "figures": how many}
    """
    begin = time.monotonic()
    folder = run / "report"
    figures = folder / "figures"
    figures.mkdir(parents=True, exist_ok=True)
    names, saved = Keys(), []
    look, label = options.get("style") or "plain", options.get("label") or ""
    log.info("report: drawing figures")
    with style.look(look):
        for drawn in figures_of(view):
            stem = names.new(drawn.stem)
            style.set_top(drawn.figure, look, label)
            _save(drawn.figure, figures / stem)
            saved.append(Saved(drawn.kind, stem, drawn.caption, drawn.figure.get_figwidth()))
            contract.progress("drawing the report", len(saved), 0, "figures")
    _remove_others(figures, {figure.stem for figure in saved})
    page = write_page(run, view, saved)
    log.info("report: %s, %d figures, %.1f MB, %.1f s", page, len(saved), page.stat().st_size / 1e6, time.monotonic() - begin)
    return {"page": str(page), "figures": len(saved)}


def figures_of(view: View) -> Iterator[Drawn]:
    """Every figure that the task and the run's data allow, drawn when it is asked for."""
    for figures in (*(FOR_CLASSES if view.task == "classification" else FOR_TARGETS), *FOR_ALL):
        yield from figures(view)


def _save(figure: Figure, path: Path) -> None:
    """Both files of one layout. By the canvases themselves: savefig would lay out and draw each twice."""
    figure.set_dpi(DPI)
    storage.replace(path.with_name(path.name + ".png"), FigureCanvasAgg(figure).print_png)
    figure.set_layout_engine("none")
    figure.set_dpi(72)
    canvas, no_date = FigureCanvasPdf(figure), {"CreationDate": None}  # equal figures give equal files
    storage.replace(path.with_name(path.name + ".pdf"), lambda file: canvas.print_pdf(file, metadata=no_date))


def _remove_others(folder: Path, stems: set[str]) -> None:
    """Figures of an earlier drawing that this one has not."""
    for path in folder.iterdir():
        if path.suffix in (".png", ".pdf") and path.stem not in stems:
            path.unlink()
