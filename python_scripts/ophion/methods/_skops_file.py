"""Estimators as skops bytes, and which types are trusted. What these hold is checked by `ophion.methods._skops_checks`."""

from __future__ import annotations

import ast
import contextlib
import functools
import io
import json
import os
import sys
from typing import Any, Callable, Iterator, Mapping
from zipfile import ZIP_STORED, BadZipFile, ZipFile, ZipInfo

import numpy as np


@contextlib.contextmanager
def _not_imported(*names: str) -> Iterator[None]:
    """Packages that can't be imported meanwhile, unless they are already."""
    absent = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(absent))
    try:
        yield
    finally:
        for name in absent:
            if sys.modules.get(name, "") is None:
                del sys.modules[name]


# skops lists all estimators by importing every package below sklearn, and these import what they are named after: two
# seconds for a PyTorch that nobody here needs.
with _not_imported(*(f"sklearn.externals.array_api_compat.{one}" for one in ("torch", "cupy", "dask"))):
    import skops.io

from skops.io._audit import Node, audit_tree, get_tree  # noqa: E402
from skops.io._scipy import SparseMatrixNode  # noqa: E402
from skops.io._utils import SaveContext, get_state, read_schema  # noqa: E402
from skops.io.exceptions import UnsupportedTypeException  # noqa: E402

from ophion.methods._skops_checks import CHECK_ARRAY, PREDICTOR, TREE, begins_plainly, check_graph, check_made, name_of, walk  # noqa: E402

# Beside what skops trusts itself (scikit-learn's estimators, NumPy's and SciPy's types).
TRUSTED = {
    "sklearn": [
        TREE,
        PREDICTOR,
        "functools.partial",  # of check_array alone, which is checked
        CHECK_ARRAY,
        "sklearn.calibration._CalibratedClassifier",
        "sklearn.calibration._SigmoidCalibration",
        "sklearn.gaussian_process._gpc._BinaryGaussianProcessClassifierLaplace",
        "sklearn.gaussian_process.kernels.ConstantKernel",
        "sklearn.gaussian_process.kernels.Matern",
        "sklearn.gaussian_process.kernels.Product",
        "sklearn.gaussian_process.kernels.RBF",
        "sklearn.gaussian_process.kernels.Sum",
        "sklearn.gaussian_process.kernels.WhiteKernel",
        "sklearn.metrics._dist_metrics.EuclideanDistance",
        "sklearn.metrics._dist_metrics.EuclideanDistance32",
        "sklearn.metrics._dist_metrics.EuclideanDistance64",
        "sklearn.metrics._scorer._PassthroughScorer",
        "sklearn.model_selection._split.KFold",
        "sklearn.model_selection._split.StratifiedKFold",
        "sklearn.neighbors._ball_tree.BallTree",
        "sklearn.neighbors._kd_tree.KDTree",
        "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
        "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
        "sklearn.utils._bunch.Bunch",
    ],
    "xgboost": ["xgboost.core.Booster", "xgboost.sklearn.XGBClassifier", "xgboost.sklearn.XGBRegressor"],
    "lightgbm": [
        "collections.OrderedDict",  # its evaluations
        "lightgbm.basic.Booster",
        "lightgbm.sklearn.LGBMClassifier",
        "lightgbm.sklearn.LGBMRegressor",
    ],
}
_TRUSTED = [name for names in TRUSTED.values() for name in names]

# What scores with NumPy's and SciPy's checked operations alone, or is checked below. All other types, whose content compiled
# code walks without a look at it (neighbours, clusters, support vectors, splines, other libraries' buffers), count as code.
_PLAIN_PACKAGES = ("builtins", "collections", "functools", "numpy", "scipy")
_CHECKED = (
    "sklearn._loss.",
    "sklearn.calibration.",
    "sklearn.compose.",
    "sklearn.decomposition._incremental_pca.",
    "sklearn.decomposition._pca.",
    "sklearn.discriminant_analysis.",
    "sklearn.dummy.",
    "sklearn.ensemble.",
    "sklearn.feature_selection.",
    "sklearn.gaussian_process.",
    "sklearn.impute._base.",
    "sklearn.isotonic.",
    "sklearn.linear_model.",
    "sklearn.metrics._scorer.",
    "sklearn.model_selection.",
    "sklearn.multiclass.",
    "sklearn.multioutput.",
    "sklearn.naive_bayes.",
    "sklearn.neural_network.",
    "sklearn.pipeline.",
    "sklearn.preprocessing._data.",
    "sklearn.preprocessing._encoders.OrdinalEncoder",
    "sklearn.preprocessing._function_transformer.",
    "sklearn.preprocessing._label.",
    "sklearn.svm._classes.LinearSVC",
    "sklearn.svm._classes.LinearSVR",
    "sklearn.tree.",
    "sklearn.utils._bunch.",
    CHECK_ARRAY,
)

def dump(estimator: Any) -> bytes:
    """Raises
    ------
    ValueError
        It holds a type that is not kept: names it.
    """
    name = type(estimator).__name__
    try:
        content = _written(estimator)
    except UnsupportedTypeException as error:
        raise ValueError(f"{name} can't be kept: {error}") from error
    unknown = _graph(content).get_unsafe_set() - set(_TRUSTED)
    if unknown:
        raise ValueError(
            f"{name} can't be kept: it holds {', '.join(sorted(unknown))}, and only types of scikit-learn, "
            'XGBoost and LightGBM that are known to be safe are kept; the method "script" can keep anything'
        )
    return content


def load(content: bytes) -> Any:
    """Raises
    ------
    ValueError
        No skops file, a type that is not trusted, or a tree that would lead scikit-learn astray: names it.
    """
    return _beside_other_threads(_load, content)


def _load(content: bytes) -> Any:
    graph = _graph(content)
    unknown = graph.get_unsafe_set() - set(_TRUSTED)
    if unknown:
        raise ValueError(f"the estimator holds types that are not trusted: {', '.join(sorted(unknown))}")
    check_graph(graph)
    audit_tree(graph, trusted=_TRUSTED)
    estimator = graph.construct()
    check_made(graph)
    return estimator


def _beside_other_threads(function: Callable, *arguments: Any) -> Any:
    """The function's result, asked for again where CPython has failed it by chance.

    NumPy reads the headers of arrays as Python, and CPython (3.11 at least) counts how deep a syntax tree is in one place for all
    threads (github.com/python/cpython/issues/106905): two threads that do so at once disturb each other now and then.
    """
    for _ in range(9):
        try:
            return function(*arguments)
        except SystemError as error:
            if "recursion depth mismatch" not in str(error):
                raise
    return function(*arguments)


class _Parts:
    """Takes what skops would write into an archive, whose list of names it would go through for each array."""

    def __init__(self):
        self.members: dict[str, bytes] = {}

    def namelist(self) -> Mapping[str, bytes]:
        return self.members

    def writestr(self, name: str, content: Any) -> None:
        self.members[name] = bytes(content)


def _written(estimator: Any) -> bytes:
    """What skops.io.dumps writes, but with numbers in the order of appearance where that has addresses and random names, and without times:
    equal estimators give equal bytes. And without an indent, which would be half of the time."""
    parts = _Parts()
    context = SaveContext(zip_file=parts)
    schema = get_state(estimator, context)
    context.clear_memo()  # whose objects kept their addresses until now
    schema |= {"protocol": context.protocol, "_skops_version": skops.__version__}
    numbers: dict[int, int] = {}
    names: dict[str, str] = {}
    seen: set[int] = set()  # of dicts and lists, which may stand in several places

    def renumber(node: Any) -> None:
        if id(node) in seen:
            return
        seen.add(id(node))
        for key, value in node.items() if isinstance(node, dict) else enumerate(node):
            if key == "__id__":
                node[key] = numbers.setdefault(value, len(numbers))
            elif key == "file" and isinstance(value, str):
                node[key] = names.setdefault(value, f"{len(names)}{os.path.splitext(value)[1]}")
            elif isinstance(value, (dict, list, tuple)):
                renumber(value)

    renumber(schema)
    stream = io.BytesIO()
    with ZipFile(stream, "w") as archive:
        for name, new_name in names.items():
            content = parts.members[name]
            archive.writestr(ZipInfo(new_name), _without_gaps(content) if name.endswith(".npy") else content)
        archive.writestr(ZipInfo("schema.json"), json.dumps(schema))
    return stream.getvalue()


def _without_gaps(content: bytes) -> bytes:
    """The same array with zeros between the fields of its records, where chance bytes lie (a tree's nodes)."""
    begin = 10 + int.from_bytes(content[8:10], "little")  # of the numbers, in version 1 of the format: no header is longer than 64 KB
    _, records, rest = content[10:begin].partition(b"'descr': [")
    if not records:
        return content
    gaps = _gaps(rest.partition(b"], 'fortran_order'")[0].decode("latin-1"))
    rows = np.frombuffer(content, np.uint8, offset=begin).reshape(-1, len(gaps)).copy()
    rows[:, gaps] = 0
    return content[:begin] + rows.tobytes()


@functools.cache  # a boosting has hundreds of arrays of one type
def _gaps(fields: str) -> np.ndarray:
    """Which bytes of a record are in no field."""
    dtype = np.lib.format.descr_to_dtype(_beside_other_threads(ast.literal_eval, f"[{fields}]"))
    gaps = np.ones(dtype.itemsize, bool)
    for field, offset, *_ in dtype.fields.values():
        gaps[offset : offset + field.itemsize] = False
    return gaps


def is_opaque(content: bytes) -> bool:
    """Whether it holds anything whose content can't be checked: other libraries' buffers, compiled code's tables."""
    return next(_opaque(content), None) is not None


def opaque_types(content: bytes) -> list[str]:
    """The types whose content can't be checked."""
    return sorted(set(_opaque(content)))


def _opaque(content: bytes) -> Iterator[str]:
    for node, _ in walk(_graph(content)):
        name = name_of(node)
        if name.partition(".")[0] not in _PLAIN_PACKAGES and not name.startswith(_CHECKED):
            yield name
        elif isinstance(node, SparseMatrixNode):  # nobody looks whether its indices lie inside
            yield name
        elif name.startswith("sklearn.ensemble._gb.") and not begins_plainly(node):
            yield name


def _graph(content: bytes) -> Node:
    try:
        with ZipFile(io.BytesIO(content)) as archive:
            if any(one.compress_type != ZIP_STORED or one.file_size > len(content) for one in archive.infolist()):
                raise ValueError("the estimator's members are compressed, which may hide any size")
            schema, context = read_schema(archive)
            return get_tree(schema, context, trusted=None)  # what else is trusted is looked up once, not at each node
    except (BadZipFile, LookupError, TypeError, AttributeError, RuntimeError, json.JSONDecodeError) as error:
        raise ValueError(f"the estimator is no skops file that can be read: {error}") from error
