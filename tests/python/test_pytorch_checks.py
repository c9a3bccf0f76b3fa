"""The method "pytorch": values that only PyTorch knows to be wrong, and results of a script that are no scores."""

import numpy as np
import pytest
from conftest import SCRIPTS, classification, context, gaussians

from ophion.contract import TrainingData
from ophion.errors import OptionError
from ophion.methods import pytorch_method

LINEAR = "from torch import nn\nimport torch\ndef get_model(spec):\n    return nn.Linear(spec.n_features, spec.n_outputs)\n"


def trained(path):
    ctx = context("pytorch", classification(), script=path, training={"epochs": 2})
    pytorch_method.check(ctx)
    return pytorch_method.train(TrainingData(gaussians(100)), ctx), ctx


@pytest.mark.parametrize(
    ("training", "pointer", "problem"),
    [
        ({"optimizer": {"type": "sgd", "momentum": -1}}, "/training/optimizer", "SGD: Invalid momentum value: -1"),
        ({"optimizer": {"type": "adam", "betas": 0.9}}, "/training/optimizer", "Adam: "),
        ({"optimizer": "rprop", "weight_decay": 0.1}, "/training/weight_decay", "Rprop has no argument 'weight_decay'"),
    ],
)
def test_an_optimizer_that_can_not_be_made_is_refused_before_any_data(training, pointer, problem):
    with pytest.raises(OptionError) as caught:
        pytorch_method.check(context("pytorch", classification(), script=str(SCRIPTS / "mlp.py"), training=training))
    assert caught.value.pointer == pointer and caught.value.problem.startswith(problem)


def test_a_class_that_is_no_module_is_refused_before_any_data(script):
    path = script("net.py", "class Net:\n    def __init__(self, spec): pass\n")
    with pytest.raises(OptionError, match="net.py: Net is no torch.nn.Module"):
        pytorch_method.check(context("pytorch", classification(), script=path + ":Net"))


@pytest.mark.parametrize(
    ("gives", "found"),
    [
        ("None", "NoneType, expected a tensor, an array or a list of numbers"),
        ("['a'] * len(x)", "list, expected a tensor, an array or a list of numbers"),
        ("[[1.0], [1.0, 2.0]]", "list, expected a tensor, an array or a list of numbers"),
        ("x[:, 0] * 1j", "torch.complex64, expected real numbers"),
    ],
)
def test_what_is_no_score_names_the_script(script, gives, found):
    model, _ = trained(script("odd.py", LINEAR + f"def predict(model, x, spec):\n    return {gives}\n"))
    with pytest.raises(TypeError, match=f"odd.py: predict gave {found}"):
        pytorch_method.predict(model, gaussians(100).x)


@pytest.mark.parametrize("gives", ["x[:, 0].numpy()", "x[:, 0].tolist()", "x[:, :1].double()", "x[:, 0].to(torch.bfloat16)"])
def test_scores_may_come_in_any_numbers(script, gives):
    model, _ = trained(script("kinds.py", LINEAR + f"def predict(model, x, spec):\n    return {gives}\n"))
    x = gaussians(100).x
    scores = pytorch_method.predict(model, x)
    assert scores.dtype == np.float32 and scores.shape == (100,)
    assert scores == pytest.approx(x[:, 0], rel=2**-8)  # as many bits has bfloat16


def test_a_fit_may_give_another_module(script):
    """One of the same layers, as an average of weights is: that one is kept."""
    other = "def fit(model, train, validation, ctx):\n    best = get_model(ctx.spec)\n    nn.init.ones_(best.weight)\n    return best\n"
    model, ctx = trained(script("other.py", LINEAR + other))
    assert model.model.weight.tolist() == [[1, 1]]
    x = gaussians(100).x
    loaded = pytorch_method.load(pytorch_method.save(model), ctx)
    assert np.array_equal(pytorch_method.predict(loaded, x), pytorch_method.predict(model, x))


def test_a_fit_that_gives_no_module_names_the_script(script):
    with pytest.raises(TypeError, match="wrong.py: fit gave float, expected a torch.nn.Module or None"):
        trained(script("wrong.py", LINEAR + "def fit(model, train, validation, ctx):\n    return 0.5\n"))
