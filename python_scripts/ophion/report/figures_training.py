"""Figures of what goes with a method: history, importance, tuning, and how its answers depend on spectators."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ophion.report import style
from ophion.report.figures_inputs import bars
from ophion.report.view import Drawn, View, chunks, headroom, legend, note, steps, x_range

MOST_BARS = 25


def history(view: View) -> Iterator[Drawn]:
    for method, epochs in view.histories.items():
        lines = _lines(epochs)
        for suffix, metrics in chunks(list(lines), 6):
            figure, axes = style.panels(len(metrics), min(2, len(lines)), 4.7, 3.0)
            entries: dict[str, Any] = {}
            for panel, metric in zip(axes, metrics, strict=True):
                entries |= _history(panel, lines[metric])
                panel.set(xlabel="epoch", ylabel=style.shown(metric.replace("_", " "), 34))
            legend(figure, [(artist, name) for name, artist in entries.items() if name])
            folds = ", each fold a line" if any("fold" in epoch for epoch in epochs) else ""
            yield Drawn("history", f"history_{method}{suffix}", figure, f"Training history of {method}{folds}")


Line = tuple[list[float], list[float]]  # epochs and values


def _lines(epochs: Sequence[Mapping[str, Any]]) -> dict[str, dict[tuple[str, int], Line]]:
    """By metric, and by part and fold; what is said of no part is the training's, but the learning rate, which is of none."""
    lines: dict[str, dict[tuple[str, int], Line]] = {}
    for number, epoch in enumerate(epochs):
        for name, value in epoch.items():
            if name in ("epoch", "fold") or not isinstance(value, int | float):
                continue
            part, _, metric = name.rpartition("/")
            part = part or ("" if metric == "learning_rate" else "train")
            at, values = lines.setdefault(metric, {}).setdefault((part, epoch.get("fold", 0)), ([], []))
            at.append(epoch.get("epoch", number + 1))
            values.append(value)
    return lines


def _history(panel: Axes, lines: Mapping[tuple[str, int], Line]) -> dict[str, Any]:
    entries = {}
    for (part, _), (at, values) in lines.items():
        colour, dashes = {"": ("#444444", "-"), "train": (style.COLOURS[1], "--")}.get(part, (style.COLOURS[0], "-"))
        entries[part] = panel.plot(at, values, color=colour, linestyle=dashes, marker="o" if len(at) < 40 else "")[0]
    everything = np.array([value for _, values in lines.values() for value in values])
    if everything.min() > 0 and everything.max() > 30 * everything.min():
        panel.set_yscale("log")
    last = max(max(at) for at, _ in lines.values())
    panel.set_xlim(min(min(at) for at, _ in lines.values()) - 0.5, last + 0.5)
    panel.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    return entries


def importance(view: View) -> Iterator[Drawn]:
    for method, entry in view.metrics.get("methods", {}).items():
        found = entry.get("importance") or {}
        sides = []
        if found.get("permutation"):
            label = f"worsening of {str(found.get('metric') or 'the metric').upper()} when permuted"
            sides.append((found["permutation"], label, style.COLOURS[0]))
        own = found.get("own") or {}
        if own.get("values"):
            sides.append((own["values"], f"the method's own: {own.get('name', 'importance')}", style.COLOURS[2]))
        if not sides:
            continue
        rows = min(MOST_BARS, max(len(values) for values, _, _ in sides))
        figure, axes = style.panels(len(sides), len(sides), 4.9 if len(sides) == 2 else 7.2, 0.95 + 0.22 * rows)
        for panel, (values, label, colour) in zip(axes, sides, strict=True):
            known = [value for value in values if value.get("value") is not None]
            bars(panel, sorted(known, key=lambda value: -value["value"])[:MOST_BARS], style.shown(label, 48), colour)
        more = f", the first {MOST_BARS}" if max(len(values) for values, _, _ in sides) > MOST_BARS else ""
        part = found.get("part", "validation")
        yield Drawn("importance", f"importance_{method}", figure, f"Importance of features to {method}, {part} part{more}")


def tuning(view: View) -> Iterator[Drawn]:
    for method, entry in view.metrics.get("methods", {}).items():
        found = entry.get("tuning") or {}
        trials = [trial for trial in found.get("trials") or [] if trial.get("value") is not None]
        if not trials:
            continue
        settings = (found.get("importance") or {}).items()
        ranked = [{"feature": name, "value": value} for name, value in settings if value is not None]
        figure, axes = style.panels(2 if ranked else 1, 2 if ranked else 1, 4.8, 3.4)
        numbers, values = [trial["number"] for trial in trials], [trial["value"] for trial in trials]
        axes[0].plot(numbers, values, "o", color=style.COLOURS[0])
        axes[0].xaxis.set_major_locator(MaxNLocator(integer=True))
        axes[0].set(xlabel="trial", ylabel=style.shown(str(found.get("metric", "metric")), 34))
        if ranked:
            ranked = sorted(ranked, key=lambda each: -each["value"])[:MOST_BARS]
            bars(axes[1], ranked, "importance of the setting", style.COLOURS[2])
        yield Drawn("tuning", f"tuning_{method}", figure, f"Tuning of {method}: {len(trials)} trials with a value")


def spectators(view: View) -> Iterator[Drawn]:
    for name, found in view.facts["spectators"].get(view.final, {}).items():
        methods = [method for method in view.methods if method in found["methods"]]
        for suffix, some in chunks(methods, 3):
            figure = _spectator(view, found, some)
            caption = f"Spectator {name}, {view.final} part: {', '.join(some)}"
            yield Drawn("spectators", f"spectator_{name}{suffix}", figure, caption)


def _spectator(view: View, found: Mapping[str, Any], methods: Sequence[str]) -> Figure:
    rows = 2 if view.binary else 1
    width = {1: 5.6, 2: 4.7, 3: 3.5}[len(methods)]
    figure = style.new_figure(width * len(methods), 2.9 * rows)
    axes = figure.subplots(rows, len(methods), squeeze=False, sharex="col")
    edges = np.array(found["edges"])
    entries: dict[str, Any] = {}
    for column, method in enumerate(methods):
        of_method = found["methods"][method]
        if view.binary:
            entries |= _shapes(view, found, of_method, axes[0, column])
        axes[0, column].set_title(style.shown(method, 34))
        panel = axes[-1, column]
        for number, (group, profile) in enumerate(of_method["profiles"].items()):
            mean, error = (np.array(profile[key], np.float64) for key in ("mean", "error"))
            colour = view.colours.get(group, style.COLOURS[number % len(style.COLOURS)])
            centres = (edges[1:] + edges[:-1]) / 2
            artist = panel.errorbar(centres, mean, error, fmt="o", color=colour, elinewidth=0.9)
            entries[f"{group}, mean score" if view.binary else group] = artist
        panel.set_xlabel(style.wrapped(found["label"], 40))
        x_range(panel, edges)
    if view.task == "regression":
        axes[-1, 0].set_ylabel("mean of prediction − truth")
    else:
        axes[-1, 0].set_ylabel("mean score" if view.binary else "mean score of the own class")
    legend(figure, [(artist, name) for name, artist in entries.items()], 5 if len(methods) > 1 else 3)
    return figure


def _shapes(view: View, found: Mapping[str, Any], of_method: Mapping[str, Any], panel: Axes) -> dict[str, Any]:
    """The negative class's distribution before cuts and after them."""
    negative = view.classes[0]
    colour = view.colours[negative]
    entries = {f"{negative}, all": steps(panel, view.histograms[found["histograms"][negative]], color=colour)}
    looks = zip(of_method["after"].items(), ((style.COLOURS[2], "--"), (style.COLOURS[6], "-.")), strict=False)
    lines = []
    for (fraction, key), (line_colour, dashes) in looks:
        artist = steps(panel, view.histograms[key], fill=False, color=line_colour, linestyle=dashes)
        share = f"{100 * float(fraction):g} %"
        entries[f"{negative}, {share} kept"] = artist
        value = of_method["divergence"][fraction]
        if value is not None:
            lines.append(f"{share}: {value:.3f}")
    panel.set_ylabel("share of events" if panel.get_subplotspec().is_first_col() else "")
    headroom(panel, 0.3)
    if lines:
        note(panel, "divergence [bit]\n" + "\n".join(lines))
    return entries
