"""Gaussian naive Bayes with event weights: log p(class | x) = log prior + sum over features of log N(x; mean, variance) + constant.

What each function gets and gives is said in `ophion.contract`; nothing of Ophion is imported, so it is tested without it too.
"""

import io

import numpy as np

PACKAGES = ["numpy"]  # their versions, and this package's own, go into the model file
TASKS = ("classification",)


def check(context):
    """The schema has said all there is to say of the options."""


def train(data, context):
    """Weighted means and variances of each feature in each class: one row a class of prior, means, variances."""
    x, y, w = data.train.x.astype(np.float64), data.train.y, data.train.w
    if np.any(w < 0):
        raise ValueError("naive Bayes takes no negative weights: set data.weights.negative")
    rows = []
    for label in range(context.spec.n_classes):
        inside, weight = x[y == label], w[y == label]
        mean = np.average(inside, axis=0, weights=weight)
        rows.append([weight.sum(), *mean, *np.average((inside - mean) ** 2, axis=0, weights=weight)])
    model = np.array(rows)
    variances = model[:, 1 + x.shape[1] :]
    variances += context.options["smoothing"] * variances.max()
    model[:, 0] = 1.0 if context.options["priors"] == "equal" else model[:, 0]
    model[:, 0] /= model[:, 0].sum()
    return model


def predict(model, x):
    """Probabilities: of the positive class, or one a class where there are more than two."""
    n = x.shape[1]
    prior, mean, variance = model[:, 0], model[:, 1 : 1 + n], model[:, 1 + n :]
    chi2 = (x[:, None, :].astype(np.float64) - mean) ** 2 / variance
    logs = np.log(prior) - 0.5 * (chi2 + np.log(2 * np.pi * variance)).sum(axis=2)
    odds = np.exp(logs - logs.max(axis=1, keepdims=True))
    probability = odds / odds.sum(axis=1, keepdims=True)
    return probability[:, 1] if len(model) == 2 else probability


def save(model):
    stream = io.BytesIO()
    np.save(stream, model, allow_pickle=False)
    return {"model.npy": stream.getvalue()}


def load(members, context):
    model = np.load(io.BytesIO(members["model.npy"]), allow_pickle=False)
    expected = (context.spec.n_classes, 1 + 2 * context.spec.n_features)
    if model.dtype != np.float64 or model.shape != expected:  # a model file may come from anywhere
        raise ValueError(f"model.npy holds {model.dtype} of shape {model.shape}, expected float64 of shape {expected}")
    return model


def carries_code(members):
    """No: `load` runs nothing out of the file. Where this says True, others load a model only after `ophion trust`."""
    return False
