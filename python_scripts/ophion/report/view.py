"""What figures and page are made from: the summary, and what the run's folder says besides."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import hist
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from ophion.report import style
from ophion.report.summarise import PARTS

PANELS = 9  # at most in a figure: more would be too small to read


class Drawn(NamedTuple):
    """A figure and where it belongs.

    Attributes
    ----------
    kind : str
        A key of texts.FIGURES.
    stem : str
        Name of its files, without the ending.
    """

    kind: str
    stem: str
    figure: Figure
    caption: str


class View:
    """A run as its report sees it.

    Attributes
    ----------
    facts, histograms
        Of Summary.
    metrics : dict
        metrics.json.
    histories : dict of list of dict
        Epochs by method.
    final : str
        The part that figures of scores show: test, else validation, else train.
    reference : str or None
        The training part, where it is not the final one.
    """

    def __init__(
        self,
        facts: Mapping[str, Any],
        histograms: Mapping[str, hist.Hist],
        metrics: Mapping[str, Any],
        histories: Mapping[str, Sequence[Mapping[str, Any]]],
    ):
        self.facts, self.histograms, self.metrics, self.histories = facts, histograms, metrics, histories
        self.task: str = facts["task"]
        self.classes: list[str] = facts["classes"]
        self.targets: list[str] = facts["targets"]
        self.binary = self.task == "classification" and len(self.classes) == 2
        present = [part for part in PARTS if part in facts["scores"]] or list(facts["scores"]) or ["test"]
        self.final = next((part for part in ("test", "validation", "train") if part in present), present[-1])
        self.reference = "train" if "train" in present and self.final != "train" else None
        self.methods: list[str] = facts["methods"]
        self.lines = style.method_lines(self.methods)
        self.colours = style.class_colours(self.classes or ["events"])

    def scores(self, method: str, part: str | None = None) -> Mapping[str, Any] | None:
        """What the summary has of a method's scores in a part, the final one if not said."""
        return self.facts["scores"].get(part or self.final, {}).get(method)

    def measured(self, method: str, part: str | None = None) -> Mapping[str, Any]:
        """metrics.json's numbers of a method in a part."""
        return (self.metrics.get("methods", {}).get(method, {}).get("metrics") or {}).get(part or self.final) or {}

    def expected(self, name: str) -> float:
        """Events of a class that the whole sample stands for, by its weights over all parts and the config's scale."""
        total = sum(counts[name]["weight"] for counts in self.facts["parts"].values())
        return total * self.facts["evaluation"].get("yield_scale", 1.0)

    @property
    def background_uncertainty(self) -> float:
        return self.facts["evaluation"].get("background_uncertainty", 0.1)

    def outputs(self) -> list[str]:
        """The classes or targets that a method's scores are about."""
        return self.targets or (self.classes[1:] if self.binary else self.classes)


def chunks(items: Sequence[Any], size: int = PANELS) -> Iterator[tuple[str, Sequence[Any]]]:
    """Items in figures of at most `size`, with what to add to the figure's name: "" or "_2"."""
    count = -(-len(items) // size)
    for number in range(count):
        yield "" if count == 1 else f"_{number + 1}", items[number * size : (number + 1) * size]


def shares(histogram: hist.Hist) -> tuple[np.ndarray, np.ndarray]:
    """Bins and their errors as shares of the sum of weights, the flow bins included; zeros where that is zero."""
    total = abs(histogram.sum(flow=True).value)
    if not total > 0:
        return np.zeros(histogram.axes[0].size), np.zeros(histogram.axes[0].size)
    return histogram.values() / total, np.sqrt(histogram.variances()) / total


def steps(axes: Axes, histogram: hist.Hist, fill: bool = True, log: bool = False, **options: Any) -> Any:
    """A histogram as an outline over a light filling; the artist for a legend. log: empty bins are gaps."""
    values, edges = shares(histogram)[0], histogram.axes[0].edges
    if log:
        values = np.where(values > 0, values, np.nan)
    if fill:
        axes.stairs(values, edges, fill=True, color=options.get("color"), alpha=0.22, linewidth=0)
    return axes.stairs(values, edges, linewidth=1.3, baseline=None, **options)


def points(axes: Axes, histogram: hist.Hist, **options: Any) -> Any:
    """A histogram as points with errors, empty bins left out; the artist for a legend."""
    values, errors = shares(histogram)
    some = histogram.variances() > 0
    return axes.errorbar(
        histogram.axes[0].centers[some], values[some], errors[some], fmt="o", markersize=2.8, linewidth=0.9, **options
    )


def x_range(axes: Axes, edges: np.ndarray) -> None:
    """The range of bins; large and small numbers are written out at the ticks, since a common power of ten would hit the label."""
    axes.set_xlim(edges[0], edges[-1])
    if edges[-1] - edges[0] < 0.1 * max(abs(edges[0]), abs(edges[-1])):  # numbers of many digits
        axes.xaxis.set_major_locator(MaxNLocator(3))
    if not 1e-3 <= max(abs(edges[0]), abs(edges[-1])) < 1e5:
        axes.xaxis.set_major_locator(MaxNLocator(4))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.4g}".replace("e+0", "e").replace("e-0", "e-")))


def headroom(axes: Axes, above: float = 0.12) -> None:
    """Room above what is drawn; zero is shown."""
    low, high = min(axes.dataLim.ymin, 0.0), max(axes.dataLim.ymax, 0.0)
    if not low < high < np.inf:
        low, high = 0.0, 1.0
    axes.set_ylim(1.08 * low, low + (high - low) * (1 + above))


def legend(figure: Figure, entries: Iterable[tuple[Any, str]], columns: int = 4, longest: int = 40) -> None:
    """One legend for all panels, above them; names are cut to `longest`."""
    entries = list(entries)
    if entries:
        names = [style.shown(name, longest) for _, name in entries]
        widest = 0.5 + 0.068 * max(map(len, names))  # inches, about
        columns = max(1, min(columns, len(entries), int((figure.get_figwidth() - 0.2) / widest)))
        figure.legend([artist for artist, _ in entries], names, loc="upper left", ncols=columns)


def note(axes: Axes, text: str, x: float = 0.98, y: float = 0.97) -> None:
    """A few grey words in the upper right corner of a panel."""
    axes.text(x, y, text, transform=axes.transAxes, ha="right" if x > 0.5 else "left", va="top", fontsize=7.5, color="#444444",
              bbox={"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 1})  # fmt: skip
