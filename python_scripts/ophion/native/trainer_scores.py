"""What XGBoost or LightGBM give for some events: a program of its own, since they crash on files that are damaged where nobody looked.

    python -P trainer_scores.py xgboost FOLDER ROUNDS

FOLDER holds "model" and "x.npy"; "scores.npz" is written there, with scores, leaves (but of gblinear) and version. ROUNDS: how many
iterations count, 0: all.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np


def _xgboost(content: bytes, x: np.ndarray, rounds: int) -> dict:
    import xgboost

    booster = xgboost.Booster()
    booster.load_model(bytearray(content))
    learner = json.loads(booster.save_config())["learner"]
    chosen = {"iteration_range": (0, rounds)} if rounds else {}
    types = booster.feature_types
    data = xgboost.DMatrix(x, feature_names=booster.feature_names, feature_types=types, enable_categorical="c" in (types or ()))
    if learner["objective"]["name"] == "multi:softmax":  # which predicts a class
        sums = booster.predict(data, output_margin=True, **chosen)
        powers = np.exp(sums - sums.max(axis=1, keepdims=True))
        found = {"scores": powers / powers.sum(axis=1, keepdims=True)}
    else:
        found = {"scores": booster.predict(data, **chosen)}
    if learner["gradient_booster"]["name"] != "gblinear":
        found["leaves"] = booster.predict(data, pred_leaf=True, **chosen)
    return found | {"version": xgboost.__version__}


def _lightgbm(content: bytes, x: np.ndarray, rounds: int) -> dict:
    import lightgbm

    booster = lightgbm.Booster(model_str=content.decode())
    return {"scores": booster.predict(x), "leaves": booster.predict(x, pred_leaf=True), "version": lightgbm.__version__}


if __name__ == "__main__":
    package, folder, rounds = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    trainer = {"xgboost": _xgboost, "lightgbm": _lightgbm}[package]
    np.savez(folder / "scores.npz", **trainer((folder / "model").read_bytes(), np.load(folder / "x.npy"), rounds))
