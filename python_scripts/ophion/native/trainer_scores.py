"""What XGBoost, LightGBM or ONNX Runtime give for some events: a program of its own, since they crash on files that are damaged where nobody looked.

    python -P trainer_scores.py xgboost FOLDER ROUNDS
    python -P trainer_scores.py lightgbm FOLDER
    python -P trainer_scores.py onnxruntime FOLDER

FOLDER holds "model" and "x.npy"; "scores.npz" is written there, with scores, version, and leaves (of XGBoost, but of gblinear, and of LightGBM).
ROUNDS: how many iterations count, 0: all. Of ONNX Runtime, scores are made a few events at a time; FOLDER holds the graph "wide" besides,
which shall take all at once: its scores are written as "wide", or as "problem" why there are none.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np


def _xgboost(folder: Path, x: np.ndarray, rounds: str) -> dict:
    import xgboost

    booster = xgboost.Booster()
    booster.load_model(bytearray((folder / "model").read_bytes()))
    learner = json.loads(booster.save_config())["learner"]
    chosen = {"iteration_range": (0, int(rounds))} if int(rounds) else {}
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


def _lightgbm(folder: Path, x: np.ndarray) -> dict:
    import lightgbm

    booster = lightgbm.Booster(model_str=(folder / "model").read_text())
    return {"scores": booster.predict(x), "leaves": booster.predict(x, pred_leaf=True), "version": lightgbm.__version__}


def _onnxruntime(folder: Path, x: np.ndarray) -> dict:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # errors come as exceptions
    options.intra_op_num_threads = 1

    def scores(file: str) -> np.ndarray:
        session = onnxruntime.InferenceSession((folder / file).read_bytes(), options, providers=["CPUExecutionProvider"])
        (port,) = session.get_inputs()
        events = x.astype(np.float64 if port.type == "tensor(double)" else np.float32)
        if file == "wide":
            return session.run(None, {port.name: events})[0]
        rows = port.shape[0]
        if not isinstance(rows, int):
            pieces = np.split(events, [1, len(events) // 3])
        else:
            padded = np.pad(events, ((0, -len(events) % rows), (0, 0)))
            pieces = np.split(padded, len(padded) // rows)
        found = [session.run(None, {port.name: piece})[0] for piece in pieces]
        return np.concatenate(found)[: len(events)]

    found = {"scores": scores("model"), "version": onnxruntime.__version__}
    try:
        return found | {"wide": scores("wide")}
    except Exception as problem:
        return found | {"problem": " ".join(str(problem).split())}


if __name__ == "__main__":
    package, folder, *arguments = sys.argv[1:]
    trainer = {"xgboost": _xgboost, "lightgbm": _lightgbm, "onnxruntime": _onnxruntime}[package]
    np.savez(Path(folder) / "scores.npz", **trainer(Path(folder), np.load(Path(folder) / "x.npy"), *arguments))
