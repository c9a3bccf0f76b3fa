"""The training of test_parity.py without Ophion: NumPy, scikit-learn and PyTorch as one uses them by oneself.

    python plain_training.py EVENTS.parquet SCORES.parquet MLP.py OUT.npz

SCORES.parquet (of the run to compare with) says which event is in which part; nothing else of it is used.
"""

import importlib.util
import random
import sys
from types import SimpleNamespace

import numpy as np
import pyarrow.parquet as pq
import torch
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

SEED, EPOCHS, BATCH, RATE = 5, 6, 64, 0.01
FEATURES = ["x0", "x1", "x2"]

torch.set_num_threads(1)


def parts_of(events_file, scores_file):
    """{0, 1, 2: (x, y, w)} with weights that give both classes the same sum and a mean of one."""
    events = pq.read_table(events_file)
    placed = pq.read_table(scores_file, columns=["part", "entry"])
    parts = {}
    for part in range(3):
        entry = placed["entry"].to_numpy()[placed["part"].to_numpy() == part]
        x = np.column_stack([events[name].to_numpy()[entry] for name in FEATURES])
        y = events["label"].to_numpy()[entry]
        w = events["weight"].to_numpy()[entry]
        w = w * np.where(y == 1, len(w) / 2 / w[y == 1].sum(), len(w) / 2 / w[y == 0].sum())
        parts[part] = x, y, w
    return parts


def estimators():
    return {
        "forest": RandomForestClassifier(n_estimators=20, min_samples_leaf=5, random_state=SEED),
        "boosting": HistGradientBoostingClassifier(max_iter=20, random_state=SEED),
        "logistic": make_pipeline(StandardScaler(), LogisticRegression(random_state=SEED)),
    }


def train_network(script, parts):
    """Adam on the weighted binary cross-entropy; keeps the epoch of the lowest validation loss."""
    spec = importlib.util.spec_from_file_location("mlp", script)
    sys.path.insert(0, script.rpartition("/")[0])
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    random.seed(SEED)
    np.random.seed(SEED)
    torch.manual_seed(SEED)
    model = module.get_model(SimpleNamespace(n_features=len(FEATURES), n_outputs=1), hidden=8, dropout=0.1)
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.9)
    shuffle = torch.Generator().manual_seed(SEED)

    scaler = StandardScaler().fit(parts[0][0].astype(np.float64))
    x = {part: scaler.transform(parts[part][0].astype(np.float64)).astype(np.float32) for part in parts}
    scale = 1 / parts[0][2].mean()
    train_x, valid_x = torch.from_numpy(x[0]), torch.from_numpy(x[1])
    train_y, valid_y = (torch.from_numpy(parts[part][1].astype(np.float32)) for part in (0, 1))
    train_w, valid_w = (torch.from_numpy((parts[part][2] * scale).astype(np.float32)) for part in (0, 1))
    loss = torch.nn.BCEWithLogitsLoss(reduction="none")

    best, best_loss = None, np.inf
    for _ in range(EPOCHS):
        model.train()
        for batch in torch.randperm(len(train_x), generator=shuffle).split(BATCH):
            losses = loss(model(train_x[batch])[:, 0], train_y[batch]) * train_w[batch]
            optimizer.zero_grad()
            losses.mean().backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            measured = (loss(model(valid_x)[:, 0], valid_y).double() * valid_w).sum().item()
        if measured < best_loss:
            best, best_loss = {name: value.clone() for name, value in model.state_dict().items()}, measured
        scheduler.step()
    model.load_state_dict(best)
    with torch.no_grad():
        return [torch.sigmoid(model(torch.from_numpy(x[part]))[:, 0]).numpy() for part in parts]


def main(events_file, scores_file, script, out):
    parts = parts_of(events_file, scores_file)
    x, y, w = parts[0]
    scores = {"mlp": train_network(script, parts)}
    for name, estimator in estimators().items():
        weight = {"logisticregression__sample_weight": w} if name == "logistic" else {"sample_weight": w}
        estimator.fit(x, y, **weight)
        scores[name] = [estimator.predict_proba(parts[part][0])[:, 1].astype(np.float32) for part in parts]
    np.savez(out, **{name: np.concatenate(of_parts) for name, of_parts in scores.items()})


if __name__ == "__main__":
    assert "ophion" not in sys.modules
    main(*sys.argv[1:])
