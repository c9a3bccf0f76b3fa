"""A method of one's own without any library: the nearest weighted centre (classes), or weighted least squares (targets)."""

import io

import numpy as np


def train(train, validation, ctx, sharpness=1.0):
    x, y, w = train.x.astype(float), train.y, train.w
    if ctx.spec.task == "regression":
        root = np.sqrt(w)[:, None]
        table = np.linalg.lstsq(root * np.c_[x, np.ones(len(x))], root * y, rcond=None)[0]
    else:
        table = np.stack([np.average(x[y == k], axis=0, weights=w[y == k]) for k in range(ctx.spec.n_classes)])
        prior = np.array([w[y == k].sum() for k in range(ctx.spec.n_classes)])
        table = np.c_[table, np.log(prior)]
    ctx.report(1, 1, sharpness=sharpness)
    return {"table": table, "task": ctx.spec.task, "sharpness": sharpness}


def predict(model, x):
    table = model["table"]
    if model["task"] == "regression":
        return np.c_[x, np.ones(len(x))] @ table
    distance = ((x[:, None, :] - table[None, :, :-1]) ** 2).sum(axis=2)
    score = np.exp(model["sharpness"] * (table[:, -1] - distance / 2))
    score /= score.sum(axis=1, keepdims=True)
    return score[:, 1] if len(table) == 2 else score


def save(model):
    buffer = io.BytesIO()
    np.savez(buffer, table=model["table"], sharpness=model["sharpness"])
    return {"model.npz": buffer.getvalue(), "task": model["task"].encode()}


def load(members, ctx):
    with np.load(io.BytesIO(members["model.npz"])) as file:
        return {"table": file["table"], "sharpness": float(file["sharpness"]), "task": members["task"].decode()}
