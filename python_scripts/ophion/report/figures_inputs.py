"""Figures of the features: their distributions by class, before and after transforms, their correlations and separation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from ophion.report import style
from ophion.report.view import Drawn, View, chunks, headroom, legend, note, steps, x_range

ANNOTATED = 15  # matrices up to this size have their numbers written in
MOST_BARS = 40


def inputs(view: View) -> Iterator[Drawn]:
    for group in view.facts["inputs"]:
        methods = group["methods"]
        kind, stem = ("inputs", "inputs") if methods is None else ("transformed", f"transformed_{methods[0]}")
        whose = "" if methods is None else f" as {_and(methods)} {'see' if len(methods) > 1 else 'sees'} them"
        for suffix, features in chunks(group["features"]):
            figure, axes = style.panels(len(features), min(3, len(group["features"])), 3.15, 2.45)
            entries: dict[str, Any] = {}
            for panel, feature in zip(axes, features, strict=True):
                entries |= _distribution(panel, feature, view)
            for panel in axes[::3]:
                panel.set_ylabel("share of events")
            legend(figure, [(artist, name) for name, artist in entries.items() if view.classes])
            names = f"{features[0]['name']} … {features[-1]['name']}" if len(features) > 1 else features[0]["name"]
            yield Drawn(kind, stem + suffix, figure, f"Features{whose}, {group['part']} part: {names}")


def _distribution(panel: Axes, feature: Mapping[str, Any], view: View) -> dict[str, Any]:
    found = {}
    order = list(reversed(feature["histograms"])) if view.binary else list(feature["histograms"])
    for name in order:
        histogram = view.histograms[feature["histograms"][name]]
        found[name] = steps(panel, histogram, fill=len(order) <= 2, color=view.colours[name])
    headroom(panel, 0.2)
    x_range(panel, histogram.axes[0].edges)
    panel.set_xlabel(style.wrapped(feature["label"], 34))
    remarks = [
        (feature["marked"], f"at {feature['mark']:g}" if feature["mark"] is not None else ""),
        (feature["missing"], "missing"),
        (feature["outside"] if feature["outside"] > 0.02 else 0, "outside"),
    ]
    texts = [f"{_percent(share)} {words}" for share, words in remarks if share > 0]
    if texts:
        note(panel, "\n".join(texts))
    return found


def correlations(view: View) -> Iterator[Drawn]:
    for group in view.facts["inputs"]:
        names, matrices = group["correlations"]["names"], group["correlations"]["matrices"]
        if len(names) < 2 or _as_before(view, group):
            continue
        whose = "" if group["methods"] is None else f" after the transforms of {_and(group['methods'])}"
        stem = "correlations" if group["methods"] is None else f"correlations_{group['methods'][0]}"
        columns = 1 if len(names) > ANNOTATED else 2
        side = float(np.clip(1.5 + (0.2 if columns == 1 else 0.3) * len(names), 3.4, 9.0))
        for suffix, classes in chunks(list(matrices), columns * (1 if len(names) > ANNOTATED else 2)):
            figure, axes = style.panels(len(classes), min(columns, len(matrices)), side * 1.06, side, square=True)
            for panel, name in zip(axes, classes, strict=True):
                image = _matrix(panel, names, np.array(matrices[name], np.float64))
                panel.set_title(style.shown(name if view.classes else "all events", 40))
            figure.colorbar(image, ax=axes, label="linear correlation [%]", shrink=0.8, pad=0.02, aspect=30)
            yield Drawn("correlations", stem + suffix, figure, f"Correlations{whose}, {group['part']} part: {_and(classes)}")


def _as_before(view: View, group: Mapping[str, Any]) -> bool:
    """Whether transforms have left all correlations as they were, as every scaling does: then one figure says it."""
    first = view.facts["inputs"][0]
    if group is first:
        return False
    pairs = [(first["correlations"]["matrices"][name], matrix) for name, matrix in group["correlations"]["matrices"].items()]
    arrays = [(np.array(before, np.float64), np.array(after, np.float64)) for before, after in pairs]
    return all(before.shape == after.shape and np.allclose(before, after, atol=1e-3, equal_nan=True) for before, after in arrays)


def _matrix(panel: Axes, names: Sequence[str], matrix: np.ndarray) -> Any:
    image = panel.imshow(100 * matrix, cmap=style.colours_of("RdBu_r"), vmin=-100, vmax=100)
    size = 8.0 if len(names) <= ANNOTATED else 7.0
    labels = style.told_apart(names, 22)
    panel.set_xticks(range(len(names)), labels, rotation=90, fontsize=size)
    panel.set_yticks(range(len(names)), labels, fontsize=size)
    panel.tick_params(length=0, which="both")
    panel.grid(False)
    if len(names) <= ANNOTATED:
        for row, column in np.argwhere(np.isfinite(matrix)):
            value = 100 * matrix[row, column]
            colour = "white" if abs(value) > 60 else "black"
            panel.text(column, row, f"{value:.0f}".replace("-0", "0") if abs(value) < 0.5 else f"{value:.0f}",
                       ha="center", va="center", fontsize=6.5, color=colour)  # fmt: skip
    return image


def separation(view: View) -> Iterator[Drawn]:
    ranked = (view.metrics.get("data") or {}).get("separation") or []
    ranked = sorted((entry for entry in ranked if entry.get("value") is not None), key=lambda entry: -entry["value"])
    if ranked:
        figure, axes = style.panels(1, 1, 7.2, 0.9 + 0.22 * min(len(ranked), MOST_BARS))
        bars(axes[0], ranked[:MOST_BARS], "separation", style.COLOURS[0])
        chance = [entry.get("by_chance") for entry in ranked[:MOST_BARS]]
        if None not in chance:
            marks = axes[0].plot(chance, range(len(chance) - 1, -1, -1), "|", color="black", markersize=7, markeredgewidth=1.2)
            legend(figure, [(marks[0], "by chance")])
        more = f", the first {MOST_BARS} of {len(ranked)}" if len(ranked) > MOST_BARS else ""
        yield Drawn("separation", "separation", figure, f"Separation of the classes by each feature alone{more}")


def bars(panel: Axes, entries: Sequence[Mapping[str, Any]], label: str, colour: str) -> None:
    """Features and their values, the first on top; errors where there are any."""
    at = np.arange(len(entries))[::-1]
    values = [entry["value"] for entry in entries]
    errors = [entry.get("error") or 0.0 for entry in entries]
    panel.barh(at, values, xerr=errors if any(errors) else None, height=0.7, color=colour, ecolor="black",
               error_kw={"linewidth": 0.9})  # fmt: skip
    panel.set_yticks(at, style.told_apart([str(entry["feature"]) for entry in entries], 34), fontsize=8)
    panel.set_ylim(-0.7, len(entries) - 0.3)
    panel.tick_params(axis="y", length=0)
    panel.grid(False, axis="y")
    panel.axvline(0, color="black", linewidth=0.8)
    panel.set_xlabel(label)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %" if share >= 0.0005 else "< 0.1 %"


def _and(names: Sequence[str]) -> str:
    return ", ".join(names[:-1]) + " and " + names[-1] if len(names) > 1 else names[0]
