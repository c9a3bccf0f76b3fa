"""Training as a careful person writes it in plain Python, with the same seeds as Ophion's methods.

As a program: training.py CONFIG OUTPUT METHOD [FILE] reads the events of the config from ROOT (or FILE in place of the
config's), splits, standardises, trains that method, measures it on all three parts and writes model, metrics and scores.
"""

import copy
import importlib
import json
import sys
from pathlib import Path

import numpy as np


def fit_network(x, y, w, x_valid, y_valid, w_valid, options, seed):
    """Train a network; the bytes of its weights in the best epoch."""
    import safetensors.torch

    return safetensors.torch.save(train_network(x, y, w, x_valid, y_valid, w_valid, json.loads(options), seed).state_dict())


def fit_estimator(x, y, w, x_valid, y_valid, w_valid, options, seed):
    """Train an estimator of scikit-learn; its bytes."""
    import skops.io

    return skops.io.dumps(train_estimator(x, y, w, json.loads(options), seed))


def train_network(x, y, w, x_valid, y_valid, w_valid, options, seed):
    """Tensors once, batches by index: faster than a DataLoader."""
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits

    training = options["training"]
    torch.manual_seed(seed)
    model = _script(options["script"]).get_model(_Spec(x.shape[1]), **options["params"])
    optimizer = torch.optim.Adam(model.parameters(), lr=training["learning_rate"])
    scale = 1 / w.mean()
    parts = [
        (torch.from_numpy(a), torch.from_numpy(b.astype(np.float32)), torch.from_numpy((c * scale).astype(np.float32)))
        for a, b, c in ((x, y, w), (x_valid, y_valid, w_valid))
    ]
    (x, y, w), (x_valid, y_valid, w_valid) = parts

    def losses(x, y):
        return binary_cross_entropy_with_logits(model(x).squeeze(1), y, reduction="none")

    shuffle = torch.Generator().manual_seed(seed)
    best, best_loss = None, float("inf")
    for _ in range(training["epochs"]):
        model.train()
        total = 0.0
        for index in torch.randperm(len(x), generator=shuffle).split(training["batch_size"]):
            loss = (losses(x[index], y[index]) * w[index]).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(index)
        model.eval()
        with torch.no_grad():
            found = sum(
                (losses(x_valid[i : i + 8192], y_valid[i : i + 8192]).double() * w_valid[i : i + 8192]).sum().item()
                for i in range(0, len(x_valid), 8192)
            ) / w_valid.double().sum().item()
        if found < best_loss:
            best, best_loss = copy.deepcopy(model.state_dict()), found
    model.load_state_dict(best)
    return model.eval()


def train_estimator(x, y, w, options, seed):
    module, _, name = options["estimator"].rpartition(".")
    estimator = getattr(importlib.import_module(module), name)(**options["params"], random_state=seed)
    return estimator.fit(x, y, sample_weight=w)


class _Spec:
    def __init__(self, n_features):
        self.n_features, self.n_outputs = n_features, 1


def _script(path):
    sys.path.insert(0, str(Path(path).parent))
    module = importlib.import_module(Path(path).stem)
    sys.path.pop(0)
    return module


def read(config, folder, file):
    """x, y, w, part (0, 1, 2) of all events: one array a column from uproot, stacked into one matrix."""
    import uproot

    features, xs, ys = config["data"]["features"], [], []
    for sample in config["data"]["samples"]:
        with uproot.open(file or folder / sample["files"][0]) as opened:
            columns = opened[sample["tree"]].arrays(features, library="np")
        xs.append(np.stack([columns[name] for name in features], axis=1, dtype=np.float32))
        ys.append(np.full(len(xs[-1]), sample["class"] == "signal", np.int32))
    x, y = np.concatenate(xs), np.concatenate(ys)
    w = np.ones(len(x))
    split = config["data"]["split"]
    draw = np.random.default_rng(config["seed"]).random(len(x))
    part = np.where(draw < split["test"], 2, np.where(draw < split["test"] + split["validation"], 1, 0))
    return x, y, w, part


def measure(y, scores, w):
    from sklearn.metrics import roc_auc_score, roc_curve

    background, signal, _ = roc_curve(y, scores, sample_weight=w)
    metrics = {"auc": roc_auc_score(y, scores, sample_weight=w)}
    return metrics | {str(cut): float(np.interp(cut, background, signal)) for cut in (0.01, 0.1, 0.3)}


def write_scores(path, part, y, w, scores):
    import pyarrow
    import pyarrow.parquet

    columns = {"part": part.astype(np.uint8), "label": y, "weight": w, "score": scores}
    pyarrow.parquet.write_table(pyarrow.table(columns), path)


def main(config_file, output, method_name, file=None):
    folder, output = Path(config_file).parent, Path(output)
    output.mkdir(parents=True)
    lines = Path(config_file).read_text().splitlines()
    config = json.loads("\n".join(line for line in lines if not line.strip().startswith("//")))
    method = next(one for one in config["methods"] if one["name"] == method_name)
    x, y, w, part = read(config, folder, file)
    parts = [(x[part == i], y[part == i], w[part == i]) for i in range(3)]
    seed = config["seed"]
    if method.get("transform"):
        from sklearn.preprocessing import StandardScaler

        scaler = StandardScaler().fit(parts[0][0])
        parts = [(scaler.transform(a), b, c) for a, b, c in parts]
    if method["type"] == "pytorch":
        import safetensors.torch
        import torch

        model = train_network(*parts[0], *parts[1], {**method, "script": folder / method["script"]}, seed)
        safetensors.torch.save_file(model.state_dict(), output / "model.safetensors")

        def score(x):
            with torch.inference_mode():
                return torch.sigmoid(model(torch.from_numpy(x))).squeeze(1).numpy()
    else:
        import skops.io

        model = train_estimator(*parts[0], method, seed)
        skops.io.dump(model, output / "model.skops")

        def score(x):
            return model.predict_proba(x)[:, 1].astype(np.float32)

    scores = [score(a) for a, _, _ in parts]
    names = ("train", "validation", "test")
    metrics = {name: measure(one[1], s, one[2]) for name, one, s in zip(names, parts, scores)}
    (output / "metrics.json").write_text(json.dumps(metrics))
    write_scores(
        output / "scores.parquet",
        np.repeat([0, 1, 2], [len(s) for s in scores]),
        *(np.concatenate([one[i] for one in parts]) for i in (1, 2)),
        np.concatenate(scores),
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
