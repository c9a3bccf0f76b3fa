"""One fit for each type of transform, by scikit-learn; native/transform.h says what their arrays mean.

Each fit gets its options, the training events as the steps before leave them, and the names of the columns it works on. It gives
a `Fitted`. Fits do not use event weights: quantiles have no weighted form in scikit-learn, and a transform is a choice of
coordinates, not an estimate. NaN is left out of every fit that can do without.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.decomposition import IncrementalPCA
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, QuantileTransformer, RobustScaler, StandardScaler
from sklearn.utils import resample

from ophion.errors import DataError
from ophion.readers.columns import nearest

BLOCK_BYTES = 16 * 1024 * 1024  # of float64 at a time: the events themselves stay float32, never copied whole
COLUMNS_BYTES = 64 * 1024 * 1024  # of columns that must be looked at whole, for medians
MOST_CATEGORIES = 1000
LEAST_EIGENVALUE = 1e-10  # of a correlation matrix, that is more than the rounding of float32
LEAST_DEVIATION = 1e-12  # of a feature, in units of its mean
LEAST_VARIANCE = 1e-14  # of a component, in units of the first one's


@dataclass
class Fitted:
    """A fitted step: what it does to float64 columns, and how a model file keeps it."""

    transform: Callable[[np.ndarray], np.ndarray]
    arrays: dict[str, np.ndarray]
    settings: dict[str, str] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)  # of new columns; empty where there are none
    columns: list[int] | None = None  # None: all

    def apply(self, x: np.ndarray) -> np.ndarray:
        """New columns stand behind the others."""
        if self.columns is None:
            return self.transform(x)
        done = self.transform(x[:, self.columns])
        if self.names:
            return np.hstack([np.delete(x, self.columns, axis=1), done])
        x[:, self.columns] = done
        return x


@dataclass
class Events:
    """Training events as the steps that are fitted leave them."""

    x: np.ndarray
    steps: Sequence[Fitted]
    names: Sequence[str]
    columns: list[int] | None  # those that the next step works on; None: all
    labels: np.ndarray | None
    classes: Sequence[str]
    seed: int
    imputes: bool  # whether a value that a step can't take is to be replaced, not missed

    def __len__(self) -> int:
        return len(self.x)

    def now(self, rows: np.ndarray | slice) -> np.ndarray:
        """Some rows, as float64."""
        x = self.x[rows].astype(np.float64)
        for step in self.steps:
            x = step.apply(x)
        return x if self.columns is None else x[:, self.columns]

    def blocks(self, rows: np.ndarray | None = None, least: int = 1) -> Iterator[np.ndarray]:
        """All of them, or those of `rows`, block by block, in each but the last at least so many."""
        size = max(least, BLOCK_BYTES // (8 * max(self.x.shape[1], len(self.names))))
        for start in range(0, len(self.x) if rows is None else len(rows), size):
            chosen = slice(start, start + size)
            yield self.now(chosen if rows is None else rows[chosen])

    def whole_columns(self) -> Iterator[np.ndarray]:
        """Column by column, (n, 1)."""
        chosen = range(len(self.names)) if self.columns is None else self.columns
        if not self.steps:
            for column in chosen:
                yield self.x[:, column, np.newaxis].astype(np.float64)
            return
        # The steps before work on whole rows: as many columns at a time as memory well allows.
        group = max(1, COLUMNS_BYTES // (8 * len(self.x)))
        for first in range(0, len(chosen), group):
            columns = np.empty((min(group, len(chosen) - first), len(self.x)))
            filled = 0
            for block in self.blocks():
                columns[:, filled : filled + len(block)] = block[:, first : first + group].T
                filled += len(block)
            yield from columns[:, :, np.newaxis]


def _standard(options: Mapping[str, Any], events: Events, names: Sequence[str]) -> Fitted:
    scaler = StandardScaler()
    for block in events.blocks():
        scaler.partial_fit(block)
    return Fitted(scaler.transform, {"mean": scaler.mean_, "scale": scaler.scale_})


def _robust(options: Mapping[str, Any], events: Events, names: Sequence[str]) -> Fitted:
    percent = (100 * options.get("lower", 0.25), 100 * options.get("upper", 0.75))
    scalers = [RobustScaler(quantile_range=percent).fit(column) for column in events.whole_columns()]
    center, scale = (np.concatenate([getattr(scaler, name) for scaler in scalers]) for name in ("center_", "scale_"))
    return Fitted(lambda x: (x - center) / scale, {"center": center, "scale": scale})


def _minmax(options: Mapping[str, Any], events: Events, names: Sequence[str]) -> Fitted:
    low, high = options.get("minimum", 0.0), options.get("maximum", 1.0)
    clip = bool(options.get("clip", False))
    scaler = MinMaxScaler(feature_range=(low, high), clip=clip)
    for block in events.blocks():
        scaler.partial_fit(block)
    arrays = {"scale": scaler.scale_, "min": scaler.min_, "range": np.array([low, high])}
    return Fitted(scaler.transform, arrays, {"clip": "true" if clip else "false"})


def _clip(options: Mapping[str, Any], events: Events, names: Sequence[str]) -> Fitted:
    """Fixed bounds, or quantiles of the training events; either side may be open."""
    arrays = {}
    for side, fixed, fraction in (("low", "minimum", "lower"), ("high", "maximum", "upper")):
        if fixed in options:
            arrays[side] = np.full(len(names), options[fixed], np.float64)
        elif fraction in options:
            arrays[side] = np.array([np.nanquantile(column, options[fraction]) for column in events.whole_columns()])
    if not arrays:
        raise DataError("transform 'clip': expected a bound: minimum, maximum, lower or upper")
    if len(arrays) == 2:
        for name, low, high in zip(names, arrays["low"], arrays["high"], strict=True):
            if low > high:
                raise DataError(f"transform 'clip': the lower bound of feature '{name}' is {low:g}, above the upper one, {high:g}")
    return Fitted(lambda x: np.clip(x, arrays.get("low"), arrays.get("high")), arrays)


def _quantile(options: Mapping[str, Any], events: Events, names: Sequence[str]) -> Fitted:
    output = options.get("output", "uniform")
    subsample = options.get("subsample", 10_000)
    transformer = QuantileTransformer(
        n_quantiles=min(options.get("n_quantiles", 1000), len(events), subsample or len(events)),
        output_distribution=output,
        subsample=None,
        random_state=events.seed,
    )
    if subsample and subsample < len(events):
        # The rows QuantileTransformer would choose itself, chosen here so that no more than they become float64.
        rows = resample(np.arange(len(events)), replace=False, n_samples=subsample, random_state=np.random.RandomState(events.seed))
    else:
        rows = slice(None)
    transformer.fit(events.now(rows))
    # Rounding can leave neighbouring percentiles an ulp out of order; C++ refuses such a table.
    transformer.quantiles_ = np.maximum.accumulate(transformer.quantiles_)
    arrays = {"quantiles": transformer.quantiles_, "references": transformer.references_}
    return Fitted(transformer.transform, arrays, {"output": output})


def _log(options: Mapping[str, Any], events: Events, names: Sequence[str]) -> Fitted:
    if options.get("form", "plain") == "symmetric":
        return Fitted(lambda x: np.copysign(np.log1p(np.abs(x)), x), {}, {"form": "symmetric"})
    offset = np.full(len(names), options.get("offset", 0.0), np.float64)
    count, least = np.zeros(len(names), int), np.full(len(names), np.inf)
    for block in events.blocks():
        count += (block + offset <= 0).sum(axis=0)
        least = np.fmin(least, np.fmin.reduce(block, axis=0))
    for name, outside, smallest in zip(names, count, least, strict=True):
        if outside:
            raise DataError(
                f"transform 'log': feature '{name}' is {smallest:g} or more, so that {outside} of {len(events)} training events have no "
                f"logarithm; it needs numbers above {0.0 - offset[0]:g}: give an 'offset', or \"form\": \"symmetric\""
            )
    arrays = {"offset": offset}
    if events.imputes:
        arrays["outside"] = np.array([np.log(np.nanmedian(column) + offset[0]) for column in events.whole_columns()])
    return Fitted(lambda x: np.log(x + offset), arrays, {"form": "plain"})


def _impute(options: Mapping[str, Any], events: Events, names: Sequence[str]) -> Fitted:
    strategy = options.get("strategy", "median")
    if strategy == "constant":
        value = np.full(len(names), options.get("value", 0.0), np.float64)
    else:
        imputers = [SimpleImputer(strategy=strategy).fit(column) for column in events.whole_columns()]
        value = np.concatenate([imputer.statistics_ for imputer in imputers])
    return Fitted(lambda x: np.where(np.isfinite(x), x, value), {"value": value})


def _principal(events: Events, names: Sequence[str], kind: str, rows: np.ndarray | None = None) -> IncrementalPCA:
    """All principal axes. Kept whole, blocks give what PCA gives of all events at once."""
    pca = IncrementalPCA()
    for block in events.blocks(rows, len(names)):  # the first one decides how many axes there are
        for name, lacks in zip(names, np.isnan(block).any(axis=0), strict=True):
            if lacks:
                raise DataError(f"transform '{kind}': feature '{name}' is NaN in training events; put \"impute\" before it")
        pca.partial_fit(block)
    return pca


def _demand_independence(pca: IncrementalPCA, names: Sequence[str]) -> None:
    """An axis along which nothing varies can't be scaled to a variance of one: names the features in it."""
    covariance = (pca.components_.T * pca.explained_variance_) @ pca.components_
    deviation = np.sqrt(pca.var_)
    for name, spread, size in zip(names, deviation, np.abs(pca.mean_), strict=True):
        if not spread > LEAST_DEVIATION * size:
            raise DataError(f"transform 'decorrelate': feature '{name}' is the same in all training events it is fitted on; leave it out")
    values, axes = np.linalg.eigh(covariance / np.outer(deviation, deviation))
    if values[0] < LEAST_EIGENVALUE:
        weights = np.abs(axes[:, 0])
        part = [f"'{name}'" for name, weight in zip(names, weights, strict=True) if weight > 0.1 * weights.max()]
        raise DataError(f"transform 'decorrelate': the features {', '.join(part)} depend on each other linearly; leave one of them out")


def _decorrelate(options: Mapping[str, Any], events: Events, names: Sequence[str]) -> Fitted:
    """The symmetric square root of the inverse covariance (TMVA Users Guide, arXiv:physics/0703039, section 4.1.2)."""
    chosen, rows = options.get("class", "all"), None
    if chosen != "all":
        if chosen not in events.classes:
            known = ["all", *events.classes]
            raise DataError(f"transform 'decorrelate': expected the class {' or '.join(known)}, found '{chosen}'{nearest(chosen, known)}")
        rows = np.flatnonzero(events.labels == events.classes.index(chosen))
    count = len(events) if rows is None else len(rows)
    if count <= len(names):
        raise DataError(f"transform 'decorrelate': expected more training events of {chosen} than its {len(names)} features, found {count}")
    pca = _principal(events, names, "decorrelate", rows)
    _demand_independence(pca, names)
    matrix = (pca.components_.T / np.sqrt(pca.explained_variance_)) @ pca.components_
    return Fitted(lambda x: (x - pca.mean_) @ matrix.T, {"mean": pca.mean_, "matrix": matrix})


def _pca(options: Mapping[str, Any], events: Events, names: Sequence[str]) -> Fitted:
    count = options.get("n_components") or len(names)
    if count > min(len(names), len(events)):
        raise DataError(
            f"transform 'pca': expected at most {min(len(names), len(events))} components of {len(names)} features and "
            f"{len(events)} training events, found {count}"
        )
    pca = _principal(events, names, "pca")
    components = pca.components_[:count]
    if options.get("whiten", False):
        variances = pca.explained_variance_
        if variances[count - 1] < LEAST_VARIANCE * variances[0]:
            spread = int((variances >= LEAST_VARIANCE * variances[0]).sum())
            raise DataError(f"transform 'pca': nothing varies along component {spread}; whitened, there can be n_components up to {spread}")
        components = components / np.sqrt(variances[:count, np.newaxis])
    taken = [int(match[1]) for name in events.names if (match := re.fullmatch(r"pca_(\d+)", name))]
    first = 1 + max(taken, default=-1)
    arrays = {"mean": pca.mean_, "components": components}
    return Fitted(lambda x: (x - pca.mean_) @ components.T, arrays, names=[f"pca_{first + i}" for i in range(count)])


def _onehot(options: Mapping[str, Any], events: Events, names: Sequence[str]) -> Fitted:
    given = options.get("categories")
    found = [np.array(sorted(set(given or ())), np.float64)] * len(names)
    for block in events.blocks():
        for position, name in enumerate(names):
            numbers = np.unique(block[:, position])
            numbers = numbers[~np.isnan(numbers)]
            if len(fractions := numbers[numbers != np.floor(numbers)]):
                raise DataError(f"transform 'onehot': feature '{name}' is {fractions[0]:g} in a training event; it takes whole numbers")
            if given is None:
                found[position] = np.union1d(found[position], numbers)
            if len(found[position]) > MOST_CATEGORIES:
                raise DataError(
                    f"transform 'onehot': feature '{name}' has more than {MOST_CATEGORIES} values; give the 'categories' that matter"
                )
    made = [f"{name}={int(category)}" for name, categories in zip(names, found, strict=True) for category in categories]
    if clash := set(made) & set(events.names):
        raise DataError(f"transform 'onehot': there is a feature '{min(clash)}' already")
    encoder = OneHotEncoder(categories=found, handle_unknown="ignore", sparse_output=False).fit(np.zeros((1, len(names))))
    arrays = {"categories": np.concatenate(found), "counts": np.array([len(categories) for categories in found])}
    return Fitted(encoder.transform, arrays, names=made)


FITS: dict[str, tuple[Callable[[Mapping[str, Any], Events, Sequence[str]], Fitted], set[str]]] = {
    "standard": (_standard, set()),
    "robust": (_robust, {"lower", "upper"}),
    "minmax": (_minmax, {"minimum", "maximum", "clip"}),
    "clip": (_clip, {"minimum", "maximum", "lower", "upper"}),
    "quantile": (_quantile, {"n_quantiles", "output", "subsample"}),
    "log": (_log, {"form", "offset"}),
    "impute": (_impute, {"strategy", "value"}),
    "decorrelate": (_decorrelate, {"class"}),
    "pca": (_pca, {"n_components", "whiten"}),
    "onehot": (_onehot, {"categories"}),
}
