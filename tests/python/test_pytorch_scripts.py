"""Scripts of the method "pytorch": their functions are used, and refused with words that name script and function."""

import json
import textwrap

import numpy as np
import pytest
import torch
from conftest import classification, context, gaussians
from pytorch_toys import LINEAR, MLP, data, network, told, trained

from ophion.errors import OptionError
from ophion.methods import pytorch_method


def refused(script=MLP, **more):
    with pytest.raises(OptionError) as caught:
        pytorch_method.check(context("pytorch", classification(), script=script, **more))
    return caught.value.pointer, caught.value.problem


OWN = (
    LINEAR
    + """
def get_loss(spec):
    return lambda output, target: (output - target).abs()

def configure_optimizers(model, spec, training):
    optimizer = torch.optim.SGD(model.parameters(), lr=training["learning_rate"])
    return optimizer, torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.1)

def training_step(model, batch, ctx):
    assert ctx.spec.n_features == 2 and ctx.epochs == 4 and 1 <= ctx.epoch <= 4 and ctx.device.type == "cpu"
    return (batch.w * (model(batch.x)[:, 0] - batch.y) ** 2).mean()

def predict(model, x, spec):
    assert not model.training
    return model(x)[:, 0].clamp(0, 1)
"""
)


def test_the_scripts_own_functions_are_used(script):
    reports = []
    parts = data()
    model = trained(script("own.py", OWN), parts, reports=reports)
    assert told(reports, "learning_rate") == pytest.approx([1e-2, 1e-3, 1e-4, 1e-5])
    scores = pytorch_method.predict(model, parts.validation.x)
    assert scores.min() >= 0 and scores.max() <= 1
    # training_step's loss is the validation's too; its scores are not clamped.
    with torch.no_grad():
        raw = model.model(torch.from_numpy(parts.validation.x.copy()))[:, 0].numpy()
    losses = told(reports, "validation/loss")
    assert min(losses) == pytest.approx(np.mean((raw - parts.validation.y) ** 2), rel=1e-5)


def test_a_class_is_made_with_the_spec():
    model = trained(MLP + ":Net", params={"hidden": 5})
    assert type(model.model).__name__ == "Net" and model.model.last.in_features == 5
    assert json.loads(pytorch_method.save(model)["model.json"]) == {"script": "mlp.py:Net", "params": {"hidden": 5}}


FIT = (
    LINEAR
    + """
def fit(model, train, validation, ctx):
    assert isinstance(train.x, torch.Tensor) and len(validation) == 200
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    for epoch in range(1, 31):
        loss = nn.functional.binary_cross_entropy_with_logits(model(train.x)[:, 0], train.y, weight=train.w)
        optimizer.zero_grad(); loss.backward(); optimizer.step()
        if not ctx.report(epoch, 30, **{"loss": loss, "validation/x": 1}) or ctx.should_stop:
            break
    train.x.zero_()
"""
)


def test_a_fit_owns_the_loop_and_its_copies(script):
    reports = []
    parts = data()
    before = parts.train.x.copy()
    trained(script("fit.py", FIT), parts, reports=reports, keep_going=lambda epoch: epoch < 20)
    assert len(reports) == 20 and reports[-1][2]["loss"] < reports[0][2]["loss"]
    assert np.array_equal(parts.train.x, before)


def test_lazy_layers_get_their_sizes(script):
    lazy = script("lazy.py", network("nn.LazyLinear(spec.n_outputs)"))
    model = trained(lazy)
    ctx = context("pytorch", classification(), script=lazy)
    x = gaussians(50).x
    assert np.array_equal(
        pytorch_method.predict(pytorch_method.load(pytorch_method.save(model), ctx), x),
        pytorch_method.predict(model, x),
    )


def test_what_a_script_changes_of_pytorch_is_as_before(script):
    changes = LINEAR.replace(
        "def get_model(spec):",
        "def get_model(spec):\n    torch.set_num_threads(3); torch.manual_seed(1)\n"
        "    torch.use_deterministic_algorithms(True)",
    )
    torch.manual_seed(5)
    before = torch.get_rng_state(), torch.get_num_threads()
    trained(script("changes.py", changes))
    assert torch.equal(torch.get_rng_state(), before[0]) and torch.get_num_threads() == before[1]
    assert not torch.are_deterministic_algorithms_enabled()


def test_wrong_params_are_refused_before_any_data():
    pointer, problem = refused(params={"hiden": 3})
    assert pointer == "/params/hiden"
    assert problem.endswith(
        "mlp.py: get_model(spec, hidden=16, dropout=0.0) has no argument 'hiden', did you mean 'hidden'?"
    )


def test_functions_of_the_wrong_shape_are_refused(script):
    path = script("p.py", LINEAR + "def predict(model, x): ...\n")
    assert refused(path)[1] == f"{path}: predict(model, x) must take (model, x, spec)"
    path = script("q.py", LINEAR + "def fit(model, train, validation, ctx): ...\ndef get_loss(spec): ...\n")
    assert "has fit, which owns the loop, so get_loss would never be called" in refused(path)[1]
    assert "has no function get_model(spec, …)" in refused(script("r.py", "x = 1\n"))[1]
    assert "has no class Nett, did you mean 'Net'?" in refused(MLP + ":Nett")[1]


def test_an_optimizers_arguments_are_checked():
    assert refused(training={"optimizer": {"type": "adam", "momentum": 0.9}})[0] == "/training/optimizer/momentum"
    assert refused(training={"optimizer": {"type": "sgd", "lr": 0.9}})[1] == "is given as training.learning_rate"


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_an_error():
    pointer, problem = refused(device="cuda")
    assert pointer == "/device" and "finds no CUDA device here" in problem


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (
            "def get_model(spec):\n    return nn.Linear(spec.n_features, 3)\n",
            r"bad.py: the model gave shape \(64, 3\), expected \(64,\) or \(64, 1\)",
        ),
        ("def get_model(spec):\n    return 3\n", "bad.py: get_model gave int, expected a torch.nn.Module"),
        (
            "def get_loss(spec):\n    return nn.BCEWithLogitsLoss()\n",
            r"bad.py: the loss of get_loss gave \(\) for a batch of 64, expected one value "
            r"per event, \(64,\): use reduction=\"none\"",
        ),
        (
            "def training_step(model, batch, ctx):\n    return batch.y\n",
            r"bad.py: training_step gave \(64,\), expected a tensor with one number",
        ),
        (
            "def configure_optimizers(model, spec, training):\n    return 3\n",
            "bad.py: configure_optimizers gave int, expected an optimizer",
        ),
    ],
)
def test_a_wrong_result_names_the_script(script, change, text):
    path = script("bad.py", LINEAR + change)
    with pytest.raises((ValueError, TypeError), match=text):
        trained(path)


def test_scores_of_a_wrong_shape_name_the_script(script):
    model = trained(script("wide.py", LINEAR + "def predict(model, x, spec):\n    return x\n"))
    with pytest.raises(ValueError, match=r"wide.py: predict gave shape \(5, 2\), expected \(5,\) or \(5, 1\)"):
        pytorch_method.predict(model, gaussians(5).x)


def test_a_state_that_can_not_be_kept_is_refused(script):
    extra = textwrap.dedent("""\
        from torch import nn
        class Net(nn.Linear):
            def __init__(self, spec): super().__init__(2, 1)
            def get_extra_state(self): return 'x'
            def set_extra_state(self, state): pass
        """)
    model = trained(script("extra.py", extra) + ":Net")
    with pytest.raises(
        ValueError, match="the model's state has '_extra_state' of type str, but only tensors can be kept"
    ):
        pytorch_method.save(model)
