"""scikit-learn's MLPClassifier and MLPRegressor."""

from __future__ import annotations

from sklearn.neural_network import MLPClassifier, MLPRegressor

from ophion.contract import Spec
from ophion.native import NotExportable
from ophion.native.network import Network

_ACTIVATIONS = {"relu": "relu", "tanh": "tanh", "logistic": "sigmoid"}
_LINKS = {"identity": "identity", "logistic": "logistic", "softmax": "softmax", "exp": "exponential"}


def converter(estimator):
    """The function that makes a `Network` of this estimator; None when there is none."""
    return _mlp if type(estimator) in (MLPClassifier, MLPRegressor) else None


def _mlp(estimator, spec: Spec) -> Network:
    link = _LINKS.get(estimator.out_activation_)
    if link is None:
        raise NotExportable(f"{type(estimator).__name__} with the output '{estimator.out_activation_}'")
    network = Network(link=link)
    last = len(estimator.coefs_) - 1
    for layer, (weight, bias) in enumerate(zip(estimator.coefs_, estimator.intercepts_)):
        network.dense(weight.T, bias)
        if layer < last and estimator.activation != "identity":
            network.activation(_ACTIVATIONS[estimator.activation])
    return network
