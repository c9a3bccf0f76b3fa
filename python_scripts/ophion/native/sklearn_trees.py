"""scikit-learn's trees: DecisionTree, RandomForest, ExtraTrees, GradientBoosting, HistGradientBoosting, AdaBoost, Bagging.

scikit-learn casts events to float32 and compares them with a float64 threshold, ``x <= t`` to the left
(``sklearn/tree/_tree.pyx``); HistGradientBoosting does so in float64 (``_hist_gradient_boosting/_predictor.pyx``). For float32
events both are exact with t rounded down to float32.
"""

from __future__ import annotations

import numpy as np
from sklearn import ensemble, tree
from sklearn.dummy import DummyClassifier, DummyRegressor

from ophion.contract import Spec
from ophion.native import NotExportable
from ophion.native.forest import WORD, Forest, bit_set


def converter(estimator):
    """The function that makes a `Forest` of this estimator; None when there is none."""
    return _CONVERTERS.get(type(estimator))


def _add(
    forest: Forest, one: tree.BaseDecisionTree, values: np.ndarray, output: int | None = None, columns: np.ndarray | None = None
) -> None:
    """`columns`: which of the event's features the tree sees; None: all."""
    nodes = one.tree_
    forest.add_tree(
        nodes.feature if columns is None else np.where(nodes.feature < 0, -1, columns[nodes.feature]),  # -2 marks a leaf
        nodes.threshold,
        nodes.children_left,
        nodes.children_right,
        values,
        missing_left=nodes.missing_go_to_left,
        output=output,
    )


def _takes_missing(estimator) -> bool:
    return bool(estimator.__sklearn_tags__().input_tags.allow_nan)


def _average(estimator, spec: Spec, trees: list, columns: list | None = None) -> Forest:
    """The mean over trees of the leaves' class fractions, or of their values.

    `columns`: of Bagging, whose trees see some of the features, and need not have seen all classes.
    """
    forest = Forest(
        len(spec.features),
        spec.n_outputs,
        link="identity",
        scale=1 / len(trees),
        takes_missing=_takes_missing(estimator),
    )
    for number, one in enumerate(trees):
        if spec.task == "regression":
            values = one.tree_.value[:, :, 0]
        else:
            values = one.tree_.value[:, 0, :] / one.tree_.value[:, 0, :].sum(axis=1, keepdims=True)
            if columns is not None and values.shape[1] < spec.n_classes:
                seen, values = values, np.zeros((len(values), spec.n_classes))
                values[:, one.classes_.astype(int)] = seen
            if spec.n_outputs == 1:
                values = values[:, 1:]
        _add(forest, one, values, columns=None if columns is None else np.asarray(columns[number]))
    return forest


def _forest(estimator, spec: Spec) -> Forest:
    forest = _average(estimator, spec, estimator.estimators_)
    forest.demand_leaves(estimator.apply, type(estimator).__name__)
    return forest


def _decision_tree(estimator, spec: Spec) -> Forest:
    forest = _average(estimator, spec, [estimator])
    forest.demand_leaves(lambda x: estimator.apply(x)[:, None], type(estimator).__name__)
    return forest


def _bagging(estimator, spec: Spec) -> Forest:
    _demand_trees(estimator)
    pairs = list(zip(estimator.estimators_, estimator.estimators_features_))
    forest = _average(estimator, spec, estimator.estimators_, estimator.estimators_features_)
    forest.demand_leaves(lambda x: np.stack([one.apply(x[:, columns]) for one, columns in pairs], axis=1), type(estimator).__name__)
    return forest


def _gradient_boosting(estimator, spec: Spec) -> Forest:
    name = type(estimator).__name__
    if not (estimator.init_ == "zero" or isinstance(estimator.init_, (DummyClassifier, DummyRegressor))):
        raise NotExportable(f"{name} with init {type(estimator.init_).__name__}")
    link = "identity"
    if spec.task == "classification":
        link = "logistic" if spec.n_outputs == 1 else "softmax"
    base = estimator._raw_predict_init(np.zeros((1, len(spec.features)), np.float32))[0]
    factor = 2.0 if estimator.loss == "exponential" else 1.0  # which estimates half of the log of the odds
    forest = Forest(
        len(spec.features),
        spec.n_outputs,
        link=link,
        base=base * factor,
        scale=estimator.learning_rate * factor,
        takes_missing=False,
    )
    for stage in estimator.estimators_:
        for output, one in enumerate(stage):
            _add(forest, one, one.tree_.value[:, 0, 0], output)
    forest.demand_leaves(lambda x: estimator.apply(x).reshape(len(x), -1), name)
    return forest


def _demand_trees(estimator) -> None:
    """That the estimators of this one are single trees."""
    for one in estimator.estimators_:
        if type(one) not in _TREES:
            raise NotExportable(f"{type(estimator).__name__} over {type(one).__name__}")


def _ada_boost(estimator, spec: Spec) -> Forest:
    """SAMME: each tree votes for a class with its weight (Zhu et al., Statistics and Its Interface 2 (2009) 349, eq. (15))."""
    name = type(estimator).__name__
    _demand_trees(estimator)
    classes = spec.n_classes
    weights = estimator.estimator_weights_[: len(estimator.estimators_)]
    total = estimator.estimator_weights_.sum()
    forest = Forest(
        len(spec.features),
        spec.n_outputs,
        link="logistic" if classes == 2 else "softmax",
        scale=1.0 if classes == 2 else 1 / (classes - 1),
        takes_missing=_takes_missing(estimator),
    )
    for one, weight in zip(estimator.estimators_, weights):
        votes = np.searchsorted(estimator.classes_, one.classes_)[np.argmax(one.tree_.value[:, 0, :], axis=1)]
        share = weight / total
        if classes == 2:
            values = np.where(votes == 1, 2 * share, -2 * share)[:, None]
        else:
            values = np.where(votes[:, None] == np.arange(classes), share, -share / (classes - 1))
        _add(forest, one, values)
    forest.demand_leaves(lambda x: np.stack([one.apply(x) for one in estimator.estimators_], axis=1), name)
    return forest


def _ada_boost_regressor(estimator, spec: Spec) -> Forest:
    """AdaBoost.R2: the weighted median of the trees' predictions (Drucker, ICML 1997)."""
    _demand_trees(estimator)
    forest = Forest(
        len(spec.features),
        spec.n_outputs,
        link="identity",
        takes_missing=_takes_missing(estimator),
        median_weights=estimator.estimator_weights_[: len(estimator.estimators_)],
    )
    for one in estimator.estimators_:
        _add(forest, one, one.tree_.value[:, 0, 0])
    forest.demand_leaves(lambda x: np.stack([one.apply(x) for one in estimator.estimators_], axis=1), type(estimator).__name__)
    return forest


def _hist_gradient_boosting(estimator, spec: Spec) -> Forest:
    if spec.task == "classification":
        link = "logistic" if spec.n_outputs == 1 else "softmax"
    else:
        link = "exponential" if estimator.loss in ("poisson", "gamma") else "identity"
    base = np.ravel(estimator._baseline_prediction)
    forest = Forest(len(spec.features), spec.n_outputs, link=link, base=base, takes_missing=True)
    columns, categories = _categories(estimator, len(spec.features))
    predictors = [one for stage in estimator._predictors for one in stage]
    for number, one in enumerate(predictors):
        nodes = one.nodes
        category_set, sets = _sets(one, categories)
        forest.add_tree(
            np.where(nodes["is_leaf"], -1, columns[nodes["feature_idx"]]),
            nodes["num_threshold"],
            nodes["left"],
            nodes["right"],
            nodes["value"],
            missing_left=nodes["missing_go_to_left"],
            output=number % spec.n_outputs,
            category_set=category_set,
            sets=sets,
            other_left=nodes["missing_go_to_left"],
        )
    _demand_values(forest, predictors, estimator)
    return forest


def _categories(estimator, features: int) -> tuple[np.ndarray, list[np.ndarray]]:
    """How HistGradientBoosting sees the features: its column k is the event's columns[k], categorical ones first; of those
    categories[k] says which number each code stands for."""
    chosen = estimator.is_categorical_
    if chosen is None or not np.any(chosen):
        return np.arange(features), []
    encoder = estimator._preprocessor.named_transformers_["encoder"]
    categories = [known[~np.isnan(known)] for known in encoder.categories_]
    for column, known in zip(np.flatnonzero(chosen), categories):
        wrong = known[(known < 0) | (known != np.floor(known))]
        if len(wrong):
            raise NotExportable(
                f"{type(estimator).__name__} with the category {wrong[0]:g} of feature {column}: expected whole numbers from 0"
            )
    return np.concatenate([np.flatnonzero(chosen), np.flatnonzero(~chosen)]), categories


def _sets(predictor, categories: list[np.ndarray]) -> tuple[np.ndarray | None, list[np.ndarray]]:
    """The set of categories that go left at each node, and its number. What is not known goes as missing values do."""
    if not categories:
        return None, []
    nodes = predictor.nodes
    splits = np.flatnonzero(nodes["is_categorical"] & (nodes["is_leaf"] == 0))
    if not len(splits):
        return None, []
    category_set, sets = np.full(len(nodes), -1), []
    for node in nodes[splits]:
        known = categories[node["feature_idx"]]
        codes = np.arange(len(known))
        left = (predictor.raw_left_cat_bitsets[node["bitset_idx"]][codes // WORD] >> (codes % WORD).astype(np.uint32)) & 1 != 0
        sets.append(~bit_set(known[~left]) if node["missing_go_to_left"] else bit_set(known[left]))
    category_set[splits] = np.arange(len(splits))
    return category_set, sets


def _demand_values(forest: Forest, predictors: list, estimator) -> None:
    """HistGradientBoosting tells no leaves, but each tree's values, which tell them as well."""
    x = forest.probes()
    seen = estimator._preprocess_X(x.astype(np.float64), reset=False)
    known = estimator._bin_mapper.make_known_categories_bitsets()
    leaves = forest.leaf_nodes(x)
    for number, one in enumerate(predictors):
        theirs = one.predict(seen, *known, 1)
        if not np.array_equal(theirs, one.nodes["value"][leaves[:, number]]):
            raise NotExportable(f"{type(estimator).__name__}: tree {number} and its native form disagree on an event")


_TREES = (tree.DecisionTreeClassifier, tree.DecisionTreeRegressor, tree.ExtraTreeClassifier, tree.ExtraTreeRegressor)
_CONVERTERS = {
    **dict.fromkeys(_TREES, _decision_tree),
    ensemble.RandomForestClassifier: _forest,
    ensemble.RandomForestRegressor: _forest,
    ensemble.ExtraTreesClassifier: _forest,
    ensemble.ExtraTreesRegressor: _forest,
    ensemble.GradientBoostingClassifier: _gradient_boosting,
    ensemble.GradientBoostingRegressor: _gradient_boosting,
    ensemble.AdaBoostClassifier: _ada_boost,
    ensemble.AdaBoostRegressor: _ada_boost_regressor,
    ensemble.BaggingClassifier: _bagging,
    ensemble.BaggingRegressor: _bagging,
    ensemble.HistGradientBoostingClassifier: _hist_gradient_boosting,
    ensemble.HistGradientBoostingRegressor: _hist_gradient_boosting,
}
