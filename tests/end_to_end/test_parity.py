"""The same script and data give the same float32 scores through Ophion and through plain Python, on one thread."""

import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from support import SCRIPTS, USER_SCRIPTS, auc, by_label, config, two_gaussians, write_parquet


@pytest.fixture(scope="module")
def both(module_place):
    events = two_gaussians(1500, seed=4)
    # Eighths, so that sums of weights are exact in whatever order they are added.
    events["weight"] = np.random.default_rng(4).integers(4, 13, 1500) / 8
    file = write_parquet(module_place / "events.parquet", events)
    methods = [
        {
            "name": "mlp",
            "type": "pytorch",
            "script": str(USER_SCRIPTS / "mlp.py"),
            "params": {"hidden": 8, "dropout": 0.1},
            "transform": ["standard"],
            "device": "cpu",
            "training": {
                "epochs": 6,
                "batch_size": 64,
                "learning_rate": 0.01,
                "scheduler": {"type": "exponential", "gamma": 0.9},
            },
        },
        {
            "name": "forest",
            "type": "sklearn",
            "estimator": "sklearn.ensemble.RandomForestClassifier",
            "params": {"n_estimators": 20, "min_samples_leaf": 5},
        },
        {
            "name": "boosting",
            "type": "sklearn",
            "estimator": "sklearn.ensemble.HistGradientBoostingClassifier",
            "params": {"max_iter": 20},
        },
        {
            "name": "logistic",
            "type": "sklearn",
            "estimator": [
                {"estimator": "sklearn.preprocessing.StandardScaler"},
                {"estimator": "sklearn.linear_model.LogisticRegression"},
            ],
        },
    ]
    run = module_place.train(config(by_label(file, weight="weight"), methods))
    subprocess.run(
        [sys.executable, SCRIPTS / "plain_training.py", file, run.folder / "scores.parquet", USER_SCRIPTS / "mlp.py", "plain.npz"],
        cwd=module_place.path,
        env=module_place.program.environment(),
        check=True,
        timeout=240,
    )
    # Part by part, as there: where a row lies among others decides which of PyTorch's loops rounds it.
    parts, entry = run.scores["part"], run.scores["entry"]
    files = [write_parquet(module_place / f"part{k}.parquet", {name: x[entry[parts == k]] for name, x in events.items()}) for k in range(3)]
    through_python = {
        method["name"]: module_place.predict(run.model(method["name"]), *files, "--backend", "python", output=method["name"] + ".parquet")
        for method in methods
    }
    with np.load(module_place / "plain.npz") as plain:
        return SimpleNamespace(
            ophion={name: scores["score"] for name, scores in through_python.items()}, labels=run.scores["label"], plain=dict(plain)
        )


@pytest.mark.parametrize("method", ["mlp", "forest", "boosting", "logistic"])
def test_scores_are_equal_to_the_last_bit(both, method):
    ours, theirs = both.ophion[method], both.plain[method]
    assert ours.dtype == theirs.dtype == np.float32
    assert auc(theirs, both.labels) > 0.8, "both learnt something"
    assert np.array_equal(ours, theirs), f"{(ours != theirs).sum()} of {len(ours)} differ, by at most {abs(ours - theirs).max()}"
