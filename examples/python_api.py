"""The Python package from a training to scores: a config as a dict, events as columns, one model file, scores by name.

    python examples/python_api.py FOLDER
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import ophion
from numpy.typing import NDArray


def collisions(n: int, signal: bool, seed: int) -> dict[str, NDArray[np.float64]]:
    """Made-up events: a mass peak over a falling background, and a lepton's transverse momentum in GeV."""
    rng = np.random.default_rng(seed)
    mass = rng.normal(125, 3, n) if signal else 100 + rng.exponential(30, n)
    return {"m4l": mass, "pt": rng.exponential(40 if signal else 25, n), "event": np.arange(n, dtype=np.float64)}


def main() -> None:
    folder = Path(sys.argv[1])
    config = {
        "version": 1, "name": "peak", "task": "classification", "seed": 42, "output": str(folder / "runs"),
        "data": {"features": ["m4l", {"name": "log_pt", "expr": "log(pt + 1)"}], "spectators": ["event"]},
        "methods": [{"name": "trees", "type": "sklearn", "estimator": "sklearn.ensemble.HistGradientBoostingClassifier",
                     "params": {"max_iter": 20}}],
        "evaluation": {"importance_events": 0}, "report": {"enabled": False},  # neither is looked at here
    }  # fmt: skip
    events = {"signal": collisions(1500, True, 1), "background": collisions(1500, False, 2)}
    run = ophion.train(config, events=events, overrides={"methods.0.params.learning_rate": 0.2})
    auc = run.metrics["methods"]["trees"]["metrics"]["test"]["auc"]
    run.best.save(folder / "peak.ophion")
    print(f"{run.folder.parent.name}: AUC on test events {auc:.2f}")

    model = ophion.Model.load(folder / "peak.ophion")
    print(model, "from", ", ".join(model.inputs))
    fresh = collisions(1000, True, 3)
    scores = model.predict(fresh)  # by name; a DataFrame or an Arrow table does as well
    one = model.bind(["pt", "m4l"])  # the program's own order
    assert one([fresh["pt"][0], fresh["m4l"][0]]) == scores[0]
    print(f"{(scores > 0.5).mean():.0%} of fresh signal above 0.5")


if __name__ == "__main__":
    main()
