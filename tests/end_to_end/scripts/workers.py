"""A training that takes its batches from a DataLoader with two worker processes, started as params say."""

import os

import numpy as np
import torch
from sklearn.ensemble import HistGradientBoostingClassifier
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Doubled(Dataset):
    """A class of the script's own: worker processes must be able to import this file."""

    def __init__(self, x, y):
        self.x, self.y = x, y

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return 2 * self.x[i], self.y[i], os.getpid()


def use_openmp(*_):
    HistGradientBoostingClassifier(max_iter=2).fit(np.random.rand(5000, 3), np.arange(5000) % 2)


def get_model(spec, start=None, in_worker=False):
    return nn.Linear(spec.n_features, 1)


def fit(model, train, validation, ctx):
    start = ctx.params.get("start")
    use_openmp()  # its threads are there before the workers are
    torch.randn(600, 600) @ torch.randn(600, 600)
    loader = DataLoader(
        Doubled(train.x, train.y),
        batch_size=256,
        num_workers=2,
        multiprocessing_context=start,
        worker_init_fn=use_openmp if ctx.params.get("in_worker") else None,
    )
    total, processes = torch.zeros(train.x.shape[1]), set()
    for x, y, process in loader:
        total += x.sum(0)
        processes |= set(process.tolist())
    assert torch.allclose(total, 2 * train.x.sum(0), atol=1e-2), "the workers gave other events"
    assert os.getpid() not in processes and len(processes) == 2, processes
    print("workers", start, len(processes))
