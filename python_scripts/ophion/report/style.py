"""How figures look: settings, colours that the colour-blind tell apart, and text that is shown as it is written."""

from __future__ import annotations

import contextlib
import os
import textwrap
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import Colormap
from matplotlib.figure import Figure

# Okabe and Ito, Color Universal Design (2008), without the yellow, which is faint on white.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
LINES = ("-", "--", "-.", ":")
SEQUENTIAL = "cividis"
EXPERIMENTS = {  # how each sets its name: style, weight
    "ATLAS": {"style": "italic", "weight": "bold"},
    "CMS": {"style": "normal", "weight": "bold"},
    "LHCb": {"style": "normal", "weight": "normal"},
}
_SIZES = {
    "figure.dpi": 100,
    "figure.autolayout": False,
    "figure.facecolor": "white",
    "savefig.bbox": None,
    "font.size": 9,
    "axes.titlesize": 9.5,
    "axes.labelsize": 9.5,
    "axes.linewidth": 0.8,
    "axes.axisbelow": True,
    "axes.formatter.limits": (-3, 4),
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "xtick.major.size": 4,
    "ytick.major.size": 4,
    "xtick.minor.visible": False,  # in panels so small they are noise, and half of the time of drawing
    "ytick.minor.visible": False,
    "xtick.major.pad": 3,
    "ytick.major.pad": 3,
    "legend.fontsize": 8.5,
    "legend.title_fontsize": 8.5,
    "legend.handlelength": 1.6,
    "legend.frameon": True,
    "legend.framealpha": 0.85,
    "legend.edgecolor": "none",
    "lines.linewidth": 1.4,
    "lines.markersize": 3.5,
    "errorbar.capsize": 0,
}
_PLAIN = {"axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "grid.color": "#e6e6e6", "grid.linewidth": 0.6}


@contextlib.contextmanager
def look(style: str) -> Iterator[None]:
    """matplotlib's settings of a style; they are as before afterwards."""
    with warnings.catch_warnings(), matplotlib.rc_context():
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)  # a name in a script that no font has
        matplotlib.rcdefaults()
        if style == "plain":
            matplotlib.rcParams.update(_PLAIN)
        else:
            import mplhep

            settings = dict(getattr(mplhep.styles, style))
            settings = {name: value for name, value in settings.items() if name != "figure.figsize"}
            matplotlib.rcParams.update(settings)
        matplotlib.rcParams.update(_SIZES)
        yield


def new_figure(width: float, height: float, square: bool = False) -> Figure:
    """A figure of its own, without pyplot, which would keep it. Sizes in inches; square: panels keep their shape."""
    figure = Figure(figsize=(width, height), layout="compressed" if square else "constrained")
    FigureCanvasAgg(figure)
    figure.get_layout_engine().set(w_pad=0.06, h_pad=0.06, wspace=0.03, hspace=0.04)
    return figure


def panels(count: int, columns: int, width: float, height: float, square: bool = False) -> tuple[Figure, list]:
    """A figure of `count` panels of that size each, in rows of `columns`."""
    rows = -(-count // columns)
    figure = new_figure(width * columns, height * rows, square)
    axes = figure.subplots(rows, columns, squeeze=False).ravel().tolist()
    for unused in axes[count:]:
        unused.set_axis_off()
    return figure, axes[:count]


def set_top(figure: Figure, style: str, label: str) -> None:
    """What stands above the panels: the experiment's name with the user's label, and below these the legends."""
    height, width = figure.get_figheight(), figure.get_figwidth()
    below = 1.0
    if style != "plain" or label:
        at, y = 0.08 / width, 1 - 0.08 / height
        if style != "plain":
            name = figure.text(at, y, style, va="top", fontsize=13, **EXPERIMENTS[style])
            at += name.get_window_extent().width / figure.bbox.width + 0.08 / width
        figure.text(at, y - 0.015 / height, shown(label), va="top", fontsize=11)
        below -= 0.3 / height
    for legend in figure.legends:
        legend.set_bbox_to_anchor((0, 0, 1, below), figure.transFigure)
        below -= (legend.get_window_extent().height + figure.dpi * 0.05) / figure.bbox.height
    figure.get_layout_engine().set(rect=(0, 0, 1, below))


def cut(text: str, width: int) -> str:
    """Text in one line, not longer than `width`: the middle is left out."""
    text = " ".join(text.split())
    if len(text) <= width:
        return text
    head = (width - 1) * 2 // 3
    return f"{text[:head]}…{text[len(text) - (width - 1 - head):]}"


def shown(text: str, width: int = 1000) -> str:
    """The same, for matplotlib: no formula."""
    return _literal(cut(text, width))


def told_apart(names: Sequence[str], width: int) -> list[str]:
    """Names that stand together, each at most that long: what long ones have in common, before and after, is left out."""
    names = [" ".join(name.split()) for name in names]
    if len(names) > 1 and max(map(len, names)) > width:
        names = _without_common(names)
        names = [name[::-1] for name in _without_common([name[::-1] for name in names])]
    return [shown(name, width) for name in names]


def _without_common(names: Sequence[str], keep: int = 4) -> list[str]:
    common = len(os.path.commonprefix(list(names))) - keep
    return [f"…{name[common:]}" for name in names] if common > keep else list(names)


def wrapped(text: str, width: int, lines: int = 2) -> str:
    """Text in at most that many lines, broken anywhere if need be."""
    rows = textwrap.wrap(" ".join(text.split()), width, break_on_hyphens=False) or [""]
    if len(rows) > lines:
        rows = textwrap.wrap(cut(text, width * lines - lines), width, break_on_hyphens=False)[:lines]
    return "\n".join(_literal(row) for row in rows)


def _literal(text: str) -> str:
    """matplotlib takes what stands between dollars for a formula, and hides labels that begin with '_'."""
    text = text.replace("$", r"\$")
    return f" {text}" if text.startswith("_") else text


def colours_of(scale: str) -> Colormap:
    """A scale of colours, grey for what has no value."""
    return matplotlib.colormaps[scale].with_extremes(bad="#bbbbbb")


def class_colours(classes: Sequence[str]) -> dict[str, str]:
    """Of two classes, the positive one (the second) is blue and the negative one vermilion."""
    order = list(reversed(classes)) if len(classes) == 2 else list(classes)
    return {name: COLOURS[k % len(COLOURS)] for k, name in enumerate(order)}


def method_lines(methods: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Colour and dashes of each method, the same in every figure."""
    return {
        name: {"color": COLOURS[k % len(COLOURS)], "linestyle": LINES[k % len(LINES)]} for k, name in enumerate(methods)
    }
