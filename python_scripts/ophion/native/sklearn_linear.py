"""scikit-learn's linear models, as networks of one step: logistic and ridge regression, LDA, linear SVM, generalized ones, their kin."""

from __future__ import annotations

import numpy as np
from sklearn import discriminant_analysis, linear_model, multiclass, svm

from ophion.contract import Spec
from ophion.native import NotExportable
from ophion.native.network import Network


def converter(estimator):
    """The function that makes a `Network` of this estimator; None when there is none."""
    if type(estimator) in _CLASSIFIERS:
        return _classifier
    if type(estimator) is multiclass.OneVsRestClassifier:
        return _one_against_rest
    return _regressor if type(estimator) in (*_REGRESSORS, *_GENERALIZED) else None


def _classifier(estimator, spec: Spec) -> Network:
    """Probabilities where the estimator gives them, else its decision function as it is."""
    link = "identity"
    if hasattr(estimator, "predict_proba"):
        link = "logistic" if spec.n_outputs == 1 else "softmax"
    if isinstance(estimator, linear_model.SGDClassifier) and link != "identity":
        if estimator.loss != "log_loss":
            raise NotExportable(f"SGDClassifier with loss '{estimator.loss}', whose probabilities are a link of its own")
        if spec.n_outputs > 1:
            link = "one_against_rest"
    network = Network(link=link)
    network.dense(np.atleast_2d(estimator.coef_), np.ravel(estimator.intercept_))
    return network


def _one_against_rest(estimator, spec: Spec) -> Network:
    two = Spec("classification", spec.features, ("rest", "this"))
    for one in estimator.estimators_:
        if type(one) not in _CLASSIFIERS:
            raise NotExportable(f"OneVsRestClassifier over {type(one).__name__}")
    link = _classifier(estimator.estimators_[0], two).link
    network = Network(link="one_against_rest" if link == "logistic" and spec.n_outputs > 1 else link)
    network.dense(
        np.concatenate([np.atleast_2d(one.coef_) for one in estimator.estimators_]),
        np.concatenate([np.ravel(one.intercept_) for one in estimator.estimators_]),
    )
    return network


def _regressor(estimator, spec: Spec) -> Network:
    weight = np.atleast_2d(estimator.coef_)
    network = Network(link=_link_of(estimator))
    network.dense(weight, np.broadcast_to(np.ravel(estimator.intercept_), (len(weight),)))
    return network


def _link_of(estimator) -> str:
    if type(estimator) not in _GENERALIZED:
        return "identity"
    links = {"IdentityLink": "identity", "LogLink": "exponential"}
    name = type(estimator._base_loss.link).__name__
    if name not in links:
        raise NotExportable(f"{type(estimator).__name__} with {name}")
    return links[name]


_CLASSIFIERS = (
    linear_model.LogisticRegression,
    linear_model.LogisticRegressionCV,
    linear_model.RidgeClassifier,
    linear_model.RidgeClassifierCV,
    linear_model.Perceptron,
    linear_model.SGDClassifier,
    discriminant_analysis.LinearDiscriminantAnalysis,
    svm.LinearSVC,
)
_REGRESSORS = (
    linear_model.LinearRegression,
    linear_model.Ridge,
    linear_model.RidgeCV,
    linear_model.Lasso,
    linear_model.LassoCV,
    linear_model.LassoLars,
    linear_model.LassoLarsCV,
    linear_model.LassoLarsIC,
    linear_model.Lars,
    linear_model.LarsCV,
    linear_model.MultiTaskLasso,
    linear_model.MultiTaskLassoCV,
    linear_model.MultiTaskElasticNet,
    linear_model.MultiTaskElasticNetCV,
    linear_model.ElasticNet,
    linear_model.ElasticNetCV,
    linear_model.OrthogonalMatchingPursuit,
    linear_model.OrthogonalMatchingPursuitCV,
    linear_model.BayesianRidge,
    linear_model.ARDRegression,
    linear_model.HuberRegressor,
    linear_model.TheilSenRegressor,
    linear_model.QuantileRegressor,
    linear_model.SGDRegressor,
    svm.LinearSVR,
)
_GENERALIZED = (linear_model.PoissonRegressor, linear_model.GammaRegressor, linear_model.TweedieRegressor)
