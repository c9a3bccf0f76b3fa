"""A training that takes its batches from a DataLoader with two worker processes, started as params say."""

import os

import torch
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


def get_model(spec, start="fork", openmp=True):
    return nn.Linear(spec.n_features, 1)


def fit(model, train, validation, ctx):
    start = ctx.params["start"]
    if ctx.params.get("openmp", True):  # OpenMP's threads are there before the fork
        from sklearn.ensemble import HistGradientBoostingClassifier

        HistGradientBoostingClassifier(max_iter=2).fit(train.x.numpy(), train.y.numpy())
        torch.randn(600, 600) @ torch.randn(600, 600)
    loader = DataLoader(Doubled(train.x, train.y), batch_size=256, num_workers=2, multiprocessing_context=start)
    total, processes = torch.zeros(train.x.shape[1]), set()
    for x, y, process in loader:
        total += x.sum(0)
        processes |= set(process.tolist())
    assert torch.allclose(total, 2 * train.x.sum(0), atol=1e-2), "the workers gave other events"
    assert os.getpid() not in processes and len(processes) == 2, processes
    print("workers", start, len(processes))
