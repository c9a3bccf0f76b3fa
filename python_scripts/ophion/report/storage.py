"""What a report keeps so that it can be drawn again, or otherwise: report/histograms.root and report/summary.json."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ophion.errors import DataError

if TYPE_CHECKING:
    import hist

FORMAT = 1
SUMMARY, HISTOGRAMS = "summary.json", "histograms.root"


class Keys:
    """Names of histograms: a path of what they show, in letters that ROOT allows, each path once."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def new(self, *names: str) -> str:
        parts = [re.sub(r"[^A-Za-z0-9_.-]", "_", name) or "_" for name in names]
        key, number = "/".join(parts), 1
        while key in self._taken:
            number += 1
            key = "/".join([*parts[:-1], f"{parts[-1]}_{number}"])
        self._taken.add(key)
        return key


def save(folder: Path, summary: Mapping[str, Any], histograms: Mapping[str, hist.Hist]) -> None:
    """Write both files; each is whole, or as it was before."""

    import uproot

    def write_histograms(path: Path) -> None:
        with uproot.recreate(path) as file:
            for key, histogram in histograms.items():
                file[key] = histogram

    folder.mkdir(parents=True, exist_ok=True)
    replace(folder / HISTOGRAMS, write_histograms)
    text = json.dumps({"format": FORMAT, **_finite(summary)}, ensure_ascii=False, allow_nan=False)
    replace(folder / SUMMARY, lambda path: path.write_text(text, encoding="utf-8"))


def load(folder: Path) -> tuple[dict[str, Any], dict[str, hist.Hist]]:
    """Read both files.

    Raises
    ------
    DataError
        There are none, or not of this format: names the file.
    """
    import uproot

    summary = read_json(folder / SUMMARY, "a report is drawn from it; it is written by `ophion train` and `ophion evaluate`")
    if summary.get("format") != FORMAT:
        raise DataError(f"{folder / SUMMARY}: expected format {FORMAT}, found {summary.get('format')!r}")
    path = folder / HISTOGRAMS
    try:
        with uproot.open(path) as file:
            keys = file.keys(recursive=True, cycle=False, filter_classname="TH*")
            return summary, {key: file[key].to_hist() for key in keys}
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read: {error}") from error


def read_json(path: Path, purpose: str) -> dict[str, Any]:
    """An object from a file of JSON. DataError names the file, and says what it is for."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise DataError(f"{path}: is missing: {purpose}") from error
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read: {error}") from error
    if not isinstance(found, dict):
        raise DataError(f"{path}: expected an object, found {type(found).__name__}")
    return found


def read_history(path: Path) -> list[dict[str, Any]]:
    """Epochs of a method, one line of JSON each; a half line at the end, of a run that was killed, is passed over."""
    epochs = []
    if path.is_file():
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                epochs.append(json.loads(line))
            except ValueError:
                break
    return epochs


def replace(path: Path, write: Callable[[Path], Any]) -> None:
    """Write a file beside, then put it in place."""
    new = path.with_name(f".{path.name}.new")
    try:
        write(new)
        os.replace(new, path)
    finally:
        new.unlink(missing_ok=True)


def _finite(value: Any) -> Any:
    """The same with None for NaN and infinities, which JSON has not."""
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
