"""Models come and go, and nothing of them stays."""

import gc
import sys

import pytest
from conftest import SCRIPTS, TrainingData, classification, context, gaussians

from ophion.methods import pytorch_method, script_method, sklearn_method

OWN = """\
def train(train, validation, ctx): return 1
def predict(model, x): return x[:, 0]
def save(model): return {"a": b"1"}
def load(members, ctx): return 1
"""


@pytest.mark.parametrize("method", ["pytorch", "script", "sklearn"])
def test_loading_and_dropping_models_is_flat(script, method):
    module, options = {
        "pytorch": (pytorch_method, {"script": str(SCRIPTS / "mlp.py"), "training": {"epochs": 1}}),
        "script": (script_method, {"script": script("own.py", OWN)}),
        "sklearn": (sklearn_method, {"estimator": "sklearn.tree.DecisionTreeClassifier", "params": {"max_depth": 3}}),
    }[method]
    data = TrainingData(gaussians(200), gaussians(100))
    asked = context(method, classification(), **options)
    members = module.save(module.train(data, asked))

    def load_and_drop(times):
        for _ in range(times):
            module.predict(module.load(members, asked), data.train.x)
        gc.collect()
        sys._clear_type_cache()  # it keeps the names of the last 4,096 look-ups
        return sys.getallocatedblocks(), len(sys.modules)

    load_and_drop(20)
    blocks, modules = load_and_drop(1)
    more_blocks, more_modules = load_and_drop(50)
    assert more_modules == modules
    assert more_blocks - blocks < 50, "a block a model would be 50"
