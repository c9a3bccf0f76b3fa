"""Fits transforms of features with scikit-learn on training events; C++ applies them (native/transform.h)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.preprocessing import MinMaxScaler, QuantileTransformer, StandardScaler
from sklearn.utils import resample

from ophion.errors import DataError
from ophion.readers.columns import nearest

BLOCK_BYTES = 16 * 1024 * 1024  # of float64 at a time: the events themselves stay float32, never copied whole


class Job:
    """One fit of a chain of transforms.

    Every step is fitted on the events as the steps before it leave them. Fits do not use event weights: quantiles have no
    weighted form in scikit-learn, and a transform is a choice of coordinates, not an estimate. NaN is left out of every fit.
    """

    def __init__(self, transforms: Sequence[Mapping[str, Any]], features: Sequence[str], seed: int):
        self._transforms = transforms
        self._features = list(features)
        self._seed = seed

    def run(self, arguments: Mapping[str, Any], data: Mapping[str, np.ndarray]) -> tuple[dict, dict[str, np.ndarray]]:
        """Fit all steps.

        Parameters
        ----------
        data : dict
            x : ndarray of float32 or float64, shape (n, n_features)
                Training events only. Lent and read-only.

        Returns
        -------
        dict
            {"steps": [{"type": str, "settings": {str: str}}]}
        dict of ndarray of float64
            "<step>.<array>", as native/transform.h names them.
        """
        x = data["x"]
        self._check(x)
        fitted: list = []
        steps, arrays = [], {}
        for number, options in enumerate(self._transforms):
            transformer, settings, found = FITS[options["type"]](options, x, fitted, self._seed)
            fitted.append(transformer)
            steps.append({"type": options["type"], "settings": settings})
            arrays |= {f"{number}.{name}": np.ascontiguousarray(array, np.float64) for name, array in found.items()}
        return {"steps": steps}, arrays

    def finish(self) -> dict[str, Any]:
        return {}

    def abandon(self) -> None:
        pass

    def _check(self, x: np.ndarray) -> None:
        if x.ndim != 2 or x.shape[1] != len(self._features):
            raise DataError(f"transforms: expected {len(self._features)} features, found an array of shape {x.shape}")
        if not len(x):
            raise DataError("transforms: no training event to fit on")
        for position, name in enumerate(self._features):
            column = x[:, position]
            if infinite := int(np.isinf(column).sum()):
                raise DataError(f"transforms: feature '{name}' is infinite in {infinite} of {len(x)} training events")
            if np.isnan(column).all():
                raise DataError(f"transforms: feature '{name}' is NaN in all {len(x)} training events")


def start(arguments: Mapping[str, Any]) -> Job:
    """Begin a fit.

    Parameters
    ----------
    arguments : dict
        transforms : list of {"type": ...} or of type names
            standard;
            minmax (minimum = 0, maximum = 1, clip = False);
            quantile (n_quantiles = 1000, output = "uniform" or "normal", subsample = 10000; None: every event).
        features : list of str
        seed : int, default 0
            Chooses the events of a subsample.
    """
    transforms = [{"type": entry} if isinstance(entry, str) else dict(entry) for entry in arguments["transforms"]]
    for entry in transforms:
        if entry["type"] not in FITS:
            known = ", ".join(FITS)
            raise DataError(f"transform '{entry['type']}': expected one of {known}{nearest(entry['type'], FITS)}")
        for option in entry.keys() - OPTIONS[entry["type"]] - {"type"}:
            near = nearest(option, OPTIONS[entry["type"]])
            raise DataError(f"transform '{entry['type']}' has no option '{option}'{near}")
    return Job(transforms, arguments["features"], int(arguments.get("seed", 0)))


def _apply(fitted: Sequence, x: np.ndarray) -> np.ndarray:
    x = x.astype(np.float64)
    for transformer in fitted:
        x = transformer.transform(x)
    return x


def _blocks(fitted: Sequence, x: np.ndarray) -> Iterator[np.ndarray]:
    rows = max(1, BLOCK_BYTES // (8 * x.shape[1]))
    for start_row in range(0, len(x), rows):
        yield _apply(fitted, x[start_row : start_row + rows])


def _fit_standard(options, x, fitted, seed):
    scaler = StandardScaler()
    for block in _blocks(fitted, x):
        scaler.partial_fit(block)
    return scaler, {}, {"mean": scaler.mean_, "scale": scaler.scale_}


def _fit_minmax(options, x, fitted, seed):
    low, high = options.get("minimum", 0.0), options.get("maximum", 1.0)
    clip = bool(options.get("clip", False))
    scaler = MinMaxScaler(feature_range=(low, high), clip=clip)
    for block in _blocks(fitted, x):
        scaler.partial_fit(block)
    arrays = {"scale": scaler.scale_, "min": scaler.min_, "range": np.array([low, high])}
    return scaler, {"clip": "true" if clip else "false"}, arrays


def _fit_quantile(options, x, fitted, seed):
    output = options.get("output", "uniform")
    subsample = options.get("subsample", 10_000)
    transformer = QuantileTransformer(
        n_quantiles=min(options.get("n_quantiles", 1000), len(x), subsample or len(x)),
        output_distribution=output,
        subsample=None,
        random_state=seed,
    )
    if subsample and subsample < len(x):
        # The rows QuantileTransformer would choose itself, chosen here so that no more than they become float64.
        x = resample(x, replace=False, n_samples=subsample, random_state=np.random.RandomState(seed))
    transformer.fit(_apply(fitted, x))
    # Rounding can leave neighbouring percentiles an ulp out of order; C++ refuses such a table.
    transformer.quantiles_ = np.maximum.accumulate(transformer.quantiles_)
    arrays = {"quantiles": transformer.quantiles_, "references": transformer.references_}
    return transformer, {"output": output}, arrays


OPTIONS = {
    "standard": set(),
    "minmax": {"minimum", "maximum", "clip"},
    "quantile": {"n_quantiles", "output", "subsample"},
}
FITS = {"standard": _fit_standard, "minmax": _fit_minmax, "quantile": _fit_quantile}
