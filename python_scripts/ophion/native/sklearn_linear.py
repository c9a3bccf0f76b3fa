"""scikit-learn's linear models: logistic and ridge regression, LDA, linear SVM, and their kin, as networks of one step."""

from __future__ import annotations

import numpy as np
from sklearn import discriminant_analysis, linear_model, svm

from ophion.contract import Spec
from ophion.native.network import Network


def converter(estimator):
    """The function that makes a `Network` of this estimator; None when there is none."""
    if type(estimator) in _CLASSIFIERS:
        return _classifier
    return _regressor if type(estimator) in _REGRESSORS else None


def _classifier(estimator, spec: Spec) -> Network:
    """Probabilities where the estimator gives them, else its decision function as it is."""
    link = "identity"
    if hasattr(estimator, "predict_proba"):
        link = "logistic" if spec.n_outputs == 1 else "softmax"
    network = Network(link=link)
    network.dense(estimator.coef_, np.ravel(estimator.intercept_))
    return network


def _regressor(estimator, spec: Spec) -> Network:
    weight = np.atleast_2d(estimator.coef_)
    network = Network(link="identity")
    network.dense(weight, np.broadcast_to(np.ravel(estimator.intercept_), (len(weight),)))
    return network


_CLASSIFIERS = (
    linear_model.LogisticRegression,
    linear_model.LogisticRegressionCV,
    linear_model.RidgeClassifier,
    linear_model.Perceptron,
    discriminant_analysis.LinearDiscriminantAnalysis,
    svm.LinearSVC,
)
_REGRESSORS = (
    linear_model.LinearRegression,
    linear_model.Ridge,
    linear_model.RidgeCV,
    linear_model.Lasso,
    linear_model.ElasticNet,
    linear_model.BayesianRidge,
    linear_model.HuberRegressor,
    svm.LinearSVR,
)
