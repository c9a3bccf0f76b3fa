"""Figures of a regression: predictions against truth, residuals, response."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from matplotlib.colors import LogNorm

from ophion.report import style
from ophion.report.view import Drawn, View, chunks, headroom, legend, note, points, steps, x_range


def predictions(view: View) -> Iterator[Drawn]:
    for target in view.targets:
        for suffix, methods in chunks([method for method in view.methods if view.scores(method)], 6):
            figure, axes = style.panels(len(methods), min(2, len(methods)), 4.7, 4.1)
            planes = [view.histograms[view.scores(method)["outputs"][target]["plane"]] for method in methods]
            filled = np.concatenate([plane.values()[plane.values() > 0] for plane in planes])
            least, most = (filled.min(), filled.max()) if len(filled) else (0, 0)
            norm = LogNorm(max(least, most * 1e-4), most) if least < most else None
            for panel, method, plane in zip(axes, methods, planes, strict=True):
                values = np.where(plane.values() > 0, plane.values(), np.nan)
                x, y = plane.axes[0].edges, plane.axes[1].edges
                image = panel.pcolormesh(x, y, values.T, cmap=style.SEQUENTIAL, norm=norm, rasterized=True)
                panel.plot([x[0], x[-1]], [x[0], x[-1]], color="#D55E00", linewidth=1)
                panel.set(xlim=(x[0], x[-1]), ylim=(y[0], y[-1]), xlabel=f"true {style.shown(target, 30)}")
                panel.set_ylabel(f"predicted {style.shown(target, 30)}")
                panel.set_title(style.shown(method, 46))
                panel.grid(False)
            figure.colorbar(image, ax=axes, label="sum of weights", shrink=0.8, pad=0.02, aspect=30)
            caption = f"Prediction against truth, {view.final} part: {target}"
            yield Drawn("predictions", f"predictions_{target}{suffix}", figure, caption)


def residuals(view: View) -> Iterator[Drawn]:
    for target in view.targets:
        for suffix, methods in chunks([method for method in view.methods if view.scores(method)], 6):
            figure, axes = style.panels(len(methods), min(2, len(methods)), 4.7, 3.2)
            entries: dict[str, Any] = {}
            for panel, method in zip(axes, methods, strict=True):
                histogram = view.histograms[view.scores(method)["outputs"][target]["residual"]]
                entries[view.final] = steps(panel, histogram, color=style.COLOURS[0])
                earlier = view.scores(method, view.reference) if view.reference else None
                if earlier:
                    training = view.histograms[earlier["outputs"][target]["residual"]]
                    entries["train"] = points(panel, training, color=style.COLOURS[1])
                panel.axvline(0, color="#888888", linewidth=0.8)
                x_range(panel, histogram.axes[0].edges)
                panel.set_xlabel(f"prediction − truth of {style.shown(target, 26)}")
                panel.set_ylabel("share of events")
                panel.set_title(style.shown(method, 46))
                headroom(panel, 0.25)
                measured = (view.measured(method).get("per_target") or {}).get(target, {})
                if measured.get("rmse") is not None:
                    note(panel, f"RMSE {measured['rmse']:.4g}\nbias {measured['bias']:.3g}")
            legend(figure, [(artist, name) for name, artist in entries.items()])
            yield Drawn("residuals", f"residuals_{target}{suffix}", figure, f"Residuals, {view.final} part: {target}")


def response(view: View) -> Iterator[Drawn]:
    for target in view.targets:
        figure, (bias, width) = style.panels(2, 2, 4.8, 3.6)
        entries = []
        for method in view.methods:
            found = ((view.scores(method) or {}).get("outputs", {}).get(target) or {}).get("response")
            if not found:
                continue
            edges = np.array(found["edges"])
            centres = (edges[1:] + edges[:-1]) / 2
            mean, error, half = (np.array(found[key], np.float64) for key in ("mean", "error", "half_width"))
            entries.append((bias.errorbar(centres, mean, error, marker="o", elinewidth=0.9, **view.lines[method]), method))
            width.plot(centres, half, marker="o", **view.lines[method])
        bias.axhline(0, color="#888888", linewidth=0.8)
        name = style.shown(target, 30)
        bias.set(xlabel=f"true {name}", ylabel="mean of prediction − truth")
        width.set(xlabel=f"true {name}", ylabel="half width of the central 68 %", ylim=(0, None))
        legend(figure, entries)
        if entries:
            caption = f"Bias and resolution in bins of truth, {view.final} part: {target}"
            yield Drawn("response", f"response_{target}", figure, caption)
