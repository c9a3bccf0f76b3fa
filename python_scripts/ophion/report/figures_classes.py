"""Figures of a classification's scores: distributions, ROC curves, cuts, calibration, confusion."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from ophion.metrics.significance import asimov, s_over_sqrt_sb
from ophion.report import style
from ophion.report.view import Drawn, View, chunks, headroom, legend, note, points, steps, x_range


def scores(view: View) -> Iterator[Drawn]:
    if view.binary:
        methods = [method for method in view.methods if view.scores(method)]
        for suffix, some in chunks(methods, 6):
            yield _scores(view, "scores" + suffix, [(method, view.classes[1], method) for method in some], "score")
    else:
        for method in view.methods:
            if view.scores(method):
                panels = [(method, name, f"score of {name}") for name in view.classes]
                for suffix, some in chunks(panels, 6):
                    yield _scores(view, f"scores_{method}{suffix}", some, method)


def _scores(view: View, stem: str, wanted: list[tuple[str, str, str]], what: str) -> Drawn:
    figure, axes = style.panels(len(wanted), min(2, len(wanted)), 4.7, 3.2)
    entries: dict[str, Any] = {}
    for panel, (method, output, title) in zip(axes, wanted, strict=True):
        found = view.scores(method)["outputs"][output]["histograms"]
        earlier = (view.scores(method, view.reference) or {}).get("outputs", {}) if view.reference else {}
        for name in reversed(found) if view.binary else found:
            histogram = view.histograms[found[name]]
            colour = view.colours[name]
            own = view.binary or name == output
            entries[f"{name} ({view.final})"] = steps(panel, histogram, fill=own, log=not view.binary, color=colour)
            if earlier and own:  # of more classes the others' points would hide the lines
                training = view.histograms[earlier[output]["histograms"][name]]
                entries[f"{name} (train)"] = points(panel, training, color=colour)
        x_range(panel, histogram.axes[0].edges)
        panel.set_title(style.shown(title, 46))
        panel.set_xlabel("score")
        panel.set_ylabel("share of events")
        if view.binary:
            headroom(panel, 0.3)
        else:  # most scores of most classes are near 0: the rest would not be seen
            panel.set_yscale("log")
            panel.set_ylim(1e-4, 6)
        _say_numbers(panel, view, method, output)
    legend(figure, [(artist, name) for name, artist in entries.items()])
    versus = f"{view.final} (lines) and train (points)" if view.reference else f"{view.final} part"
    return Drawn("scores", stem, figure, f"Scores, {versus}" + ("" if view.binary else f": {what}"))


def _say_numbers(panel: Axes, view: View, method: str, output: str) -> None:
    measured = view.measured(method)
    area = measured if view.binary else (measured.get("per_class") or {}).get(output, {})
    lines = [] if area.get("auc") is None else ["AUC " + _with_error(area["auc"], area.get("auc_error"))]
    for name, test in (measured.get("ks") or {}).items():
        if (view.binary or name == output) and test.get("p_value") is not None:
            p_value = f"= {test['p_value']:.2g}" if test["p_value"] >= 1e-4 else "< 0.0001"
            lines.append(f"KS {style.shown(name, 20)}: p {p_value}")
    if lines:
        panel.text(0.5, 0.97, "\n".join(lines), transform=panel.transAxes, ha="center", va="top", fontsize=7.5, color="#444444")


def roc(view: View) -> Iterator[Drawn]:
    for output in view.outputs():
        curves = {}
        for method in view.methods:
            found = ((view.scores(method) or {}).get("outputs", {}).get(output) or {}).get("roc")
            if found and found["signal"]:
                curves[method] = found
        if curves:
            stem = "roc" if view.binary else f"roc_{output}"
            against = view.classes[0] if view.binary else "all others"
            yield _roc(view, stem, output, against, curves)


def _roc(view: View, stem: str, output: str, against: str, curves: Mapping[str, Mapping[str, list[float]]]) -> Drawn:
    figure, (linear, logarithmic) = style.panels(2, 2, 4.8, 4.3)
    entries, least = [], 1.0
    for method, curve in curves.items():
        look = view.lines[method]
        background, signal = np.array(curve["background"]), np.array(curve["signal"])
        low, high = np.clip(curve["low"], 0, 1), np.clip(curve["high"], 0, 1)
        linear.fill_between(signal, 1 - background, 1 - background, alpha=0)
        linear.fill_betweenx(1 - background, low, high, color=look["color"], alpha=0.2, linewidth=0)
        artist = linear.plot(signal, 1 - background, **look)[0]
        some = background > 0
        logarithmic.fill_betweenx(background[some], low[some], high[some], color=look["color"], alpha=0.2, linewidth=0)
        logarithmic.plot(signal[some], background[some], **look)
        least = min(least, background[some].min())
        measured = view.measured(method) if view.binary else (view.measured(method).get("per_class") or {}).get(output, {})
        area = measured.get("auc")
        name = style.cut(method, 34)
        entries.append((artist, name if area is None else f"{name}: AUC {_with_error(area, measured.get('auc_error'))}"))
    linear.plot([0, 1], [1, 0], color="#888888", linewidth=0.8, linestyle=(0, (1, 2)))
    diagonal = np.geomspace(max(least, 1e-4), 1, 60)
    logarithmic.plot(diagonal, diagonal, color="#888888", linewidth=0.8, linestyle=(0, (1, 2)))
    signal_name, other = style.shown(output, 24), style.shown(against, 24)
    linear.set(xlim=(0, 1.003), ylim=(0, 1.003), xlabel=f"efficiency of {signal_name}", ylabel=f"1 − efficiency of {other}")
    logarithmic.set(xlim=(0, 1.003), ylim=(max(least, 1e-4), 1.1), yscale="log")
    logarithmic.set(xlabel=f"efficiency of {signal_name}", ylabel=f"efficiency of {other}")
    legend(figure, entries, 2, longest=80)
    return Drawn("roc", stem, figure, f"ROC curves, {view.final} part: {output} against {against}")


def cuts(view: View) -> Iterator[Drawn]:
    if not view.binary:
        return
    found = [(method, view.scores(method)) for method in view.methods]
    scans = [(method, scores["outputs"][view.classes[1]].get("cuts")) for method, scores in found if scores]
    for suffix, some in chunks([(method, scan) for method, scan in scans if scan], 6):
        figure, axes = style.panels(len(some), min(2, len(some)), 4.9, 3.3)
        entries: dict[str, Any] = {}
        for panel, (method, scan) in zip(axes, some, strict=True):
            entries |= _scan(panel, scan, view)
            panel.set_title(style.shown(method, 46))
        legend(figure, [(artist, name) for name, artist in entries.items()], 5)
        yield Drawn("cuts", "cuts" + suffix, figure, f"Efficiencies and significance against the cut, {view.final} part")


def _scan(panel: Axes, scan: Mapping[str, list[Any]], view: View) -> dict[str, Any]:
    background, signal = view.classes
    cut, passed = np.array(scan["cut"]), {signal: np.array(scan["signal"]), background: np.array(scan["background"])}
    entries = {
        f"efficiency of {signal}": panel.plot(cut, passed[signal], color=view.colours[signal])[0],
        f"efficiency of {background}": panel.plot(cut, passed[background], color=view.colours[background], linestyle="--")[0],
    }
    panel.set(xlabel="cut on the score", ylabel="efficiency", xlim=(cut[0], cut[-1]), ylim=(0, 1.05))
    enough = np.array(scan["enough"], bool)
    if not enough.any() or min(view.expected(name) for name in view.classes) <= 0:
        return entries
    s, b = (passed[name][enough] * view.expected(name) for name in (signal, background))
    twin = panel.twinx()
    twin.grid(False)
    lines = (
        ("S/√(S+B)", s_over_sqrt_sb(s, b), style.COLOURS[2], "-."),
        ("Asimov", asimov(s, b, view.background_uncertainty), style.COLOURS[3], ":"),
    )
    remarks, most = [], 0.0
    for name, values, colour, dashes in lines:
        entries[name] = twin.plot(cut[enough], values, color=colour, linestyle=dashes)[0]
        best = int(np.argmax(values))
        most = max(most, float(values[best]))
        twin.plot(cut[enough][best], values[best], "v", color=colour, markersize=5, clip_on=False)
        remarks.append(f"best {name} {values[best]:.3g} at {cut[enough][best]:.3g}")
    twin.set_ylim(0, 1.35 * most if most > 0 else 1)
    twin.set_ylabel("significance")
    twin.spines["right"].set_visible(True)
    note(twin, "\n".join(remarks))
    return entries


def calibration(view: View) -> Iterator[Drawn]:
    wanted = [
        output
        for output in view.outputs()
        if any(_calibration(view, method, output) for method in view.methods)
    ]
    for suffix, some in chunks(wanted, 6):
        figure, axes = style.panels(len(some), min(2, len(wanted)), 5.6 if len(wanted) == 1 else 4.7, 4.2)
        entries: dict[str, Any] = {}
        for panel, output in zip(axes, some, strict=True):
            panel.plot([0, 1], [0, 1], color="#888888", linewidth=0.8, linestyle=(0, (1, 2)))
            for method in view.methods:
                found = _calibration(view, method, output)
                if found:
                    entries[method] = panel.errorbar(
                        found["score"], found["share"], found["error"], marker="o", elinewidth=0.9, **view.lines[method]
                    )
            panel.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="mean score", ylabel=f"share of {style.shown(output, 24)}")
        legend(figure, [(artist, name) for name, artist in entries.items()])
        scaled = ", all classes scaled to the same sum of weights" if view.facts["balanced"] else ""
        yield Drawn("calibration", "calibration" + suffix, figure, f"Calibration, {view.final} part{scaled}")


def _calibration(view: View, method: str, output: str) -> Mapping[str, list[float]] | None:
    found = ((view.scores(method) or {}).get("outputs", {}).get(output) or {}).get("calibration")
    return found if found and found["score"] else None


def confusion(view: View) -> Iterator[Drawn]:
    found = [(method, (view.measured(method).get("confusion") or {}).get("weights")) for method in view.methods]
    found = [(method, np.array(matrix)) for method, matrix in found if matrix]
    side = max(1.5 + 0.5 * len(view.classes), 3.1)
    columns = min(max(1, int(9.6 // side)), max(1, len(found)))
    for suffix, some in chunks(found, 2 * columns):
        figure, axes = style.panels(len(some), columns, side, side, square=True)
        for panel, (method, matrix) in zip(axes, some, strict=True):
            image = _confusion(panel, view.classes, matrix)
            panel.set_title(style.shown(method, 26))
        figure.colorbar(image, ax=axes, label="share of the true class [%]", shrink=0.8, pad=0.02, aspect=30)
        yield Drawn("confusion", "confusion" + suffix, figure, f"Confusion matrix, {view.final} part")


def _confusion(panel: Axes, classes: list[str], sums: np.ndarray) -> Any:
    totals = sums.sum(axis=1, keepdims=True)
    share = 100 * np.divide(sums, totals, out=np.full(sums.shape, np.nan), where=totals != 0)
    image = panel.imshow(share, cmap=style.colours_of("Blues"), vmin=0, vmax=100)
    names = [style.shown(name, 14) for name in classes]
    panel.set_xticks(range(len(classes)), names, rotation=45 if max(map(len, names)) > 6 else 0,
                     ha="right" if max(map(len, names)) > 6 else "center", rotation_mode="anchor")  # fmt: skip
    panel.set_yticks(range(len(classes)), names)
    panel.set(xlabel="chosen", ylabel="true")
    panel.tick_params(length=0, which="both")
    panel.grid(False)
    for row, column in np.argwhere(np.isfinite(share)):
        panel.text(column, row, f"{share[row, column]:.1f}", ha="center", va="center", fontsize=8,
                   color="white" if share[row, column] > 55 else "black")  # fmt: skip
    return image


def _with_error(value: float, error: float | None) -> str:
    return f"{value:.4f}" if error is None else f"{value:.4f} ± {error:.4f}"
