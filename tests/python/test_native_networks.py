"""PyTorch's networks in the neutral form: they score as PyTorch does, or are refused by the step that has none."""

import json

import numpy as np
import pytest
import torch
from neutral import scores
from torch import nn
from torch.nn import functional as F

from ophion.contract import Spec
from ophion.native import NotExportable
from ophion.native.torch_network import export_module

TWO = Spec("classification", ("a", "b", "c"), ("no", "yes"))
X = torch.from_numpy(np.random.default_rng(1).standard_normal((400, 3)).astype(np.float32))


def agree(model):
    """Its neutral form, which scores as it does."""
    model(X)  # running means of a batch norm
    members = export_module(model, TWO)
    with torch.no_grad():
        expected = torch.sigmoid(model.eval()(X)).reshape(-1, 1).numpy()
    assert scores(members, X.numpy()) == pytest.approx(expected, abs=1e-5)
    return members


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second, self.norm = nn.Linear(3, 8), nn.Linear(8, 8), nn.BatchNorm1d(8)
        self.drop, self.last = nn.Dropout(0.3), nn.Linear(8, 1)

    def forward(self, x):
        x = torch.relu(self.first(x))
        return self.last(self.drop(nn.functional.silu(self.norm(self.second(x))) + x)).squeeze(1)


def test_a_network_with_residuals_and_batch_norm():
    torch.manual_seed(3)
    members = agree(Residual())
    assert json.loads(members["model.json"])["link"] == "logistic"
    assert "norm" not in str(members["model.json"]), "folded into the layer before it"


def test_a_batch_norm_whose_input_is_wanted_elsewhere_is_not_folded():
    class Both(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.norm, self.last = nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 1)

        def forward(self, x):
            x = self.first(x)
            return self.last(torch.tanh(self.norm(x)) + x)

    torch.manual_seed(4)
    agree(Both())


class Functional(nn.Module):
    """One step as a function, between two layers."""

    def __init__(self, function):
        super().__init__()
        self.first, self.function, self.last = nn.Linear(3, 5), function, nn.Linear(5, 1)

    def forward(self, x):
        return torch.squeeze(self.last(self.function(self.first(x))), 1)


FUNCTIONS = {
    "relu": lambda x: F.relu(x, inplace=True),
    "torch_relu": torch.relu,
    "leaky_relu": lambda x: F.leaky_relu(x, 0.2),
    "leaky_relu_default": F.leaky_relu,
    "elu": lambda x: F.elu(x, alpha=0.7),
    "selu": torch.selu,
    "gelu": F.gelu,
    "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
    "silu": F.silu,
    "method": lambda x: x.sigmoid().tanh().relu(),
    "in_place": lambda x: torch.selu_(x).sigmoid_().tanh_(),
    "view": lambda x: torch.tanh(x).view(x.size(0), -1).reshape(x.shape[0], 5).float(),
    "method_sum": lambda x: torch.tanh(x).add(x).add_(x),
    "softplus": lambda x: F.softplus(x, 2.0),
    "softmax": lambda x: torch.softmax(x, dim=-1),
    "method_softmax": lambda x: x.softmax(1),
    "dropout": lambda x: F.dropout(torch.tanh(x), 0.5, training=False),
    "flatten": lambda x: torch.flatten(torch.tanh(x), 1).contiguous(),
    "residual": lambda x: torch.add(torch.tanh(x), x),
    "module_leaky_relu": nn.LeakyReLU(0.3),
    "module_elu": nn.ELU(0.4),
    "module_gelu": nn.GELU("tanh"),
    "module_softplus": nn.Softplus(3),
    "module_softmax": nn.Softmax(dim=1),
    "module_others": nn.Sequential(nn.SELU(), nn.SiLU(), nn.Tanh(), nn.Identity(), nn.AlphaDropout(), nn.Flatten(), nn.Sigmoid()),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_activation_as_function_module_or_method(name):
    torch.manual_seed(5)
    agree(Functional(FUNCTIONS[name]).eval())


IN_PLACE = {
    "function": lambda module, x: F.relu(x, inplace=True) + x,
    "positional": lambda module, x: F.leaky_relu(x, 0.3, True) + x,
    "method": lambda module, x: module.norm(x.relu_()) + x,
    "module": lambda module, x: module.relu(x) + x,
    "behind_identity": lambda module, x: module.norm(module.relu(module.same(x))) + x,
    "sum": lambda module, x: module.norm(x.add_(torch.tanh(x))) + x,
}


@pytest.mark.parametrize("name", IN_PLACE)
def test_who_uses_numbers_again_gets_what_was_written_over_them(name):
    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.norm, self.last = nn.Linear(3, 5), nn.BatchNorm1d(5), nn.Linear(5, 1)
            self.relu, self.same = nn.ReLU(inplace=True), nn.Identity()

        def forward(self, x):
            return self.last(IN_PLACE[name](self, self.first(x)))[:, 0]

    torch.manual_seed(6)
    agree(Block())


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention, self.last = nn.MultiheadAttention(3, 1), nn.Linear(3, 1)

    def forward(self, x):
        return self.last(self.attention(x, x, x)[0])


class Branching(nn.Module):
    def __init__(self):
        super().__init__()
        self.last = nn.Linear(3, 1)

    def forward(self, x):
        return self.last(x) if x.sum() > 0 else self.last(-x)


class Scaled(nn.Module):
    def __init__(self):
        super().__init__()
        self.last = nn.Linear(3, 1)

    def forward(self, x):
        return self.last(x) * 2


class Again(nn.Module):
    """torch.fx takes += for a sum that leaves its summands alone."""

    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(3, 3), nn.Linear(3, 1)

    def forward(self, x):
        first = second = self.first(x)
        second += x
        return self.last(torch.tanh(second) + first)


def hooked(module):
    module.register_forward_hook(lambda module, given, found: 2 * found)
    return module


@pytest.mark.parametrize(
    "model, reason",
    [
        (Attention(), "MultiheadAttention"),
        (Again(), "what torch.fx sees of it scores otherwise"),
        (Functional(hooked(nn.Tanh())), "the step 'function' (Tanh with hooks) has no native form"),
        (hooked(Functional(nn.Tanh())), "what torch.fx sees of it scores otherwise"),
        (Functional(nn.BatchNorm1d(5, track_running_stats=False)), "the step 'function' (BatchNorm1d without running means) has no native form"),
        (Functional(lambda x: x[:, 0]), "the step 'getitem' (one column of several) has no native form"),
        (Functional(lambda x: torch.add(x, x.size(1))), "the step 'add' (a sum with a constant) has no native form"),
        (Branching(), "can't be traced by torch.fx"),
        (Scaled(), "the step 'mul' (mul) has no native form"),
        (Functional(nn.LayerNorm(5)), "the step 'function' (LayerNorm) has no native form"),
        (Functional(F.hardswish), "the step 'hardswish' (hardswish) has no native form"),
        (Functional(lambda x: F.softmax(x, dim=0)), "the step 'softmax' (softmax over dimension 0) has no native form"),
        (Functional(nn.Softplus(threshold=5)), "the step 'function' (Softplus with threshold 5) has no native form"),
        (Functional(F.dropout), "(dropout that goes on when it predicts: say training=self.training)"),
    ],
)
def test_a_network_beyond_the_steps_is_refused_by_name(model, reason):
    with pytest.raises(NotExportable) as refusal:
        export_module(model, TWO)
    assert reason in str(refusal.value)
