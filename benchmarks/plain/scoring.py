"""Scoring as a careful person writes it in plain Python, from what a model file holds."""

import json
import types
import zipfile
from pathlib import Path

import numpy as np
import safetensors.numpy
import safetensors.torch
import skops.io
import torch


def load(model_file):
    """A function of an array, shape (n, n_features), that gives the scores, float32 (n,)."""
    with zipfile.ZipFile(model_file) as archive:
        members = {Path(name).name: archive.read(name) for name in archive.namelist() if "native/" not in name}
        manifest = json.loads(archive.read("manifest.json"))
    score = _network(members) if "weights.safetensors" in members else _estimator(members["estimator.skops"])
    return _standardised(score, members) if _has_transform(manifest) else score


def _network(members):
    script = types.ModuleType("mlp")
    exec(compile(members["mlp.py"], "mlp.py", "exec"), script.__dict__)
    weights = safetensors.torch.load(members["weights.safetensors"])
    spec = types.SimpleNamespace(n_features=weights["0.weight"].shape[1], n_outputs=1)
    model = script.get_model(spec, **json.loads(members["model.json"])["params"])
    model.load_state_dict(weights)
    model.eval()

    def predict(x):
        with torch.inference_mode():
            return torch.sigmoid(model(torch.from_numpy(x))).squeeze(1).numpy()

    return predict


def _estimator(content):
    estimator = skops.io.loads(content, trusted=skops.io.get_untrusted_types(data=content))
    return lambda x: estimator.predict_proba(x)[:, 1].astype(np.float32)


def _has_transform(manifest):
    return bool(manifest.get("transforms"))


def _standardised(score, members):
    from sklearn.preprocessing import StandardScaler

    arrays = safetensors.numpy.load(members["transforms.safetensors"])
    scaler = StandardScaler()
    mean, scale = (next(value for name, value in arrays.items() if name.endswith(end)) for end in ("mean", "scale"))
    scaler.mean_, scaler.scale_, scaler.n_features_in_ = mean.ravel(), scale.ravel(), mean.size
    return lambda x: score(scaler.transform(x))
