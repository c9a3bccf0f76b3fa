"""Exporters to the neutral form: exact thresholds, the trainers' own leaves, and what is refused."""

import json

import numpy as np
import pytest
import safetensors.numpy
import torch
from neutral import scores
from sklearn import ensemble, linear_model, naive_bayes, pipeline, preprocessing, tree
from torch import nn

from ophion.contract import Spec
from ophion.native import NotExportable, export_estimator
from ophion.native.forest import Forest, round_down
from ophion.native.torch_network import export_module

FEATURES = ("a", "b", "c")
TWO = Spec("classification", FEATURES, ("no", "yes"))


def events(n=400, seed=1):
    random = np.random.default_rng(seed)
    x = random.standard_normal((n, 3)).astype(np.float32)
    return x, (x[:, 0] + x[:, 1] * x[:, 2] > 0).astype(np.int32)


def test_round_down_keeps_every_float32_on_its_side():
    random = np.random.default_rng(2)
    exact = random.standard_normal(1000).astype(np.float32)
    for threshold in (exact.astype(np.float64), exact + 1e-12, exact - 1e-12, np.float64([1e-300, -1e-300, 0.0])):
        rounded = round_down(threshold)
        for x in (rounded, np.nextafter(rounded, np.float32(np.inf)), np.nextafter(rounded, np.float32(-np.inf))):
            assert np.array_equal(x <= rounded, x.astype(np.float64) <= threshold)


def test_a_forest_whose_leaves_are_not_the_trainers_is_refused():
    x, y = events()
    model = tree.DecisionTreeClassifier(max_depth=3).fit(x, y)
    nodes = model.tree_
    forest = Forest(3, 1, link="identity", takes_missing=False)
    thresholds = round_down(nodes.threshold)
    inner = np.flatnonzero(nodes.children_left >= 0)
    thresholds[inner[0]] = np.nextafter(thresholds[inner[0]], np.float32(-np.inf))  # off by one float
    forest.add_tree(nodes.feature, thresholds, nodes.children_left, nodes.children_right, nodes.value[:, 0, 1:])
    with pytest.raises(NotExportable, match=r"Tree: tree 0 sends an event to leaf \d+, its native form to leaf \d+"):
        forest.demand_leaves(lambda x: model.apply(x)[:, None], "Tree")


def test_what_a_forest_says_of_itself():
    x, y = events()
    members = export_estimator(ensemble.GradientBoostingClassifier(n_estimators=4, learning_rate=0.2).fit(x, y), TWO)
    description = json.loads(members["model.json"])
    arrays = safetensors.numpy.load(members["arrays.safetensors"])
    assert description == {"kind": "forest", "link": "logistic", "scale": 0.2}
    assert len(arrays["roots"]) == len(arrays["tree_output"]) == 4
    assert arrays["base"] == pytest.approx([np.log(y.mean() / (1 - y.mean()))])
    assert "missing_left" not in arrays, "gradient boosting takes no missing values"


@pytest.mark.parametrize(
    "estimator, reason",
    [
        (naive_bayes.GaussianNB(), "GaussianNB has no native form"),
        (pipeline.make_pipeline(preprocessing.StandardScaler(), linear_model.LogisticRegression()), "Pipeline has no native form"),
        (ensemble.GradientBoostingClassifier(n_estimators=2, loss="exponential"), "GradientBoostingClassifier with loss 'exponential'"),
        (
            ensemble.GradientBoostingClassifier(n_estimators=2, init=linear_model.LogisticRegression()),
            "GradientBoostingClassifier with init LogisticRegression",
        ),
        (
            ensemble.AdaBoostClassifier(linear_model.LogisticRegression(), n_estimators=2),
            "AdaBoostClassifier over LogisticRegression",
        ),
    ],
)
def test_what_has_no_native_form_is_refused_by_name(estimator, reason):
    x, y = events()
    x[:, 2] = np.abs(x[:, 2]).astype(int)
    with pytest.raises(NotExportable) as refusal:
        export_estimator(estimator.fit(x, y), TWO)
    assert str(refusal.value) == reason


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
    model = Residual()
    x, _ = events()
    model(torch.from_numpy(x))  # running means of the batch norm
    members = export_module(model, TWO)
    assert json.loads(members["model.json"])["link"] == "logistic"
    assert "norm" not in str(members["model.json"]), "folded into the layer before it"
    with torch.no_grad():
        expected = torch.sigmoid(model.eval()(torch.from_numpy(x))).numpy()
        assert scores(members, x)[:, 0] == pytest.approx(expected, abs=1e-5)


def test_a_batch_norm_whose_input_is_wanted_elsewhere_is_not_folded():
    class Both(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.norm, self.last = nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 1)

        def forward(self, x):
            x = self.first(x)
            return self.last(torch.tanh(self.norm(x)) + x)

    torch.manual_seed(4)
    model = Both()
    x, _ = events()
    model(torch.from_numpy(x))
    with torch.no_grad():
        expected = torch.sigmoid(model.eval()(torch.from_numpy(x))).numpy()
        assert scores(export_module(model, TWO), x) == pytest.approx(expected, abs=1e-5)


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


@pytest.mark.parametrize(
    "model, reason",
    [(Attention(), "MultiheadAttention"), (Branching(), "can't be traced by torch.fx"), (Scaled(), "the step 'mul' (mul) has no native form")],
)
def test_a_network_beyond_the_steps_is_refused_by_name(model, reason):
    with pytest.raises(NotExportable) as refusal:
        export_module(model, TWO)
    assert reason in str(refusal.value)
