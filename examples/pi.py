"""Monte-Carlo π by a model that has learnt what a quarter of a circle is: trained on points, saved, loaded, asked about fresh points.

    python examples/pi.py [POINTS]
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
import ophion

CONFIG = {
    "version": 1,
    "name": "pi",
    "task": "classification",
    # Weights as they are: scores are then shares of the points, and their mean is the share of the square that is inside.
    "data": {"features": ["x", "y"], "weights": {"normalise": "none"}},
    "methods": [{"name": "forest", "type": "sklearn", "estimator": "sklearn.ensemble.RandomForestClassifier",
                 "params": {"n_estimators": 20, "min_samples_leaf": 4}}],
    "evaluation": {"importance_events": 0}, "report": {"enabled": False},  # neither is looked at here
}  # fmt: skip


def learnt(file: Path) -> None:
    """Train on points of the unit square, inside the quarter circle or outside of it, and keep the model."""
    x, y = np.random.default_rng(1).random((2, 20_000))
    inside = x * x + y * y < 1
    events = {
        "inside": {"x": x[inside], "y": y[inside]},  # of two classes the first is the positive one
        "outside": {"x": x[~inside], "y": y[~inside]},
    }
    run = ophion.train(CONFIG, events=events, overrides={"output": str(file.parent / "runs")})
    run.best.save(file)


def main() -> None:
    points = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "pi.ophion"
        learnt(file)
        model = ophion.Model.load(file)  # by any program, on any day
    scores = model.predict(np.random.default_rng(2).random((points, 2), np.float32))
    print(f"pi = {4 * scores.mean():.4f} ± {4 * scores.std() / np.sqrt(points):.4f}, of {points} points")


if __name__ == "__main__":
    main()
