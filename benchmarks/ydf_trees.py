"""The native backend beside YDF's fastest engine, on the same trees: those that YDF trained, in the shape of XGBoost's.

    ydf_trees.py LIBRARY WORK

YDF times its engine itself, by the wall clock: windows are short, so that some fall between what else the machine does. Printed are the
least and the median time of an event and a tree over the rounds, and their ratios.
"""

from __future__ import annotations

import pathlib
import re
import statistics
import sys

import numpy as np
from native_peers import EVENTS, FEATURES, SINGLE, TRAINED, Library, collisions, installed

from ophion.native.forest import Forest

TREES, ROUNDS, MANY = 300, 25, 1000
WINDOW = 0.003  # seconds


def neutral(model) -> Forest:
    """The trees of a YDF model as Ophion's own: `x >= t` leads to the positive child, so `x <= t'` to the other, t' the float below t."""
    first = next(i for i, column in enumerate(model.data_spec().columns) if column.name == "x0")
    forest = Forest(FEATURES, 1, link="logistic", base=model.initial_predictions()[0], takes_missing=False)
    for tree in model.get_all_trees():
        nodes = [tree.root]
        feature, threshold, left, right, value = [], [], [], [], []
        for node in nodes:  # which grows
            value.append(node.value.value)
            if node.is_leaf:
                for numbers in (feature, threshold, left, right):
                    numbers.append(-1)
                continue
            feature.append(node.condition.attribute - first)
            threshold.append(np.nextafter(np.float32(node.condition.threshold), np.float32(-np.inf)))
            left.append(len(nodes))
            right.append(len(nodes) + 1)
            nodes += [node.neg_child, node.pos_child]
        forest.add_tree(feature, threshold, left, right, value, output=0)
    return forest


def main() -> None:
    if not installed("ydf"):
        print("# without YDF: not installed")
        return
    import ydf

    ydf.verbose(0)
    library, folder = Library(sys.argv[1]), pathlib.Path(sys.argv[2]) / "YDF"
    folder.mkdir(parents=True, exist_ok=True)

    def table(x: np.ndarray, label: np.ndarray) -> dict:
        return {f"x{i}": x[:, i] for i in range(FEATURES)} | {"label": label}

    learner = ydf.GradientBoostedTreesLearner(
        label="label", num_trees=TREES, max_depth=7, validation_ratio=0.0, num_threads=1, early_stopping="NONE"
    )
    model = learner.train(table(*collisions(TRAINED, 1)))
    for member, data in neutral(model).members().items():
        (folder / member).write_bytes(data)

    x, label = collisions(EVENTS, 2)
    x, scores = np.ascontiguousarray(x), np.empty(EVENTS, np.float32)
    ours = library.timer(library.engine("ophion", str(folder), FEATURES), x, scores)
    ours(0, EVENTS, 1)
    worst = np.abs(scores - model.predict(table(x, label))).max()
    events = table(x[: 2 * MANY], label[: 2 * MANY])
    print(f"native | YDF, {TREES} trees of its own | {model.list_compatible_engines()[0]} | largest difference of a score {worst:.1g}")
    for batch, name in ((1, "one"), (MANY, "1000")):
        times = []
        for turn in range(ROUNDS):
            said = str(model.benchmark(events, benchmark_duration=WINDOW, warmup_duration=WINDOW, batch_size=batch, num_threads=1))
            theirs = 1e-6 * float(re.search(r"([\d.]+) us", said)[1])  # as a timedelta it would be rounded to microseconds
            first = turn * SINGLE % (EVENTS - MANY)
            times.append((ours(first, SINGLE if batch == 1 else MANY, batch) / TREES, theirs / TREES))
        for of, what in ((min, "least"), (statistics.median, "median")):
            mine, its = (1e9 * of(some) for some in zip(*times, strict=True))
            print(f"native | YDF's trees {name:>8} | {what:6} | Ophion {mine:.2f} ns a tree, YDF {its:.2f} ns | x {its / mine:.2f}", flush=True)


if __name__ == "__main__":
    main()
