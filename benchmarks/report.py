"""The report and the metrics of three methods on 200,000 events of 40 features: CPU time beside that of a random forest's training, peak memory.

    report.py WORK

Each in a process of its own.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python_scripts"))

EVENTS, FEATURES, METHODS = 200_000, 40, ("network", "boosting", "forest")
PARTS = {"train": 0.5, "validation": 0.2, "test": 0.3}
GIGABYTE = 1e9


def events() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features, labels and weights of both signs."""
    random = np.random.default_rng(1)
    label = random.integers(0, 2, EVENTS).astype(np.int32)
    x = random.standard_normal((EVENTS, FEATURES)).astype(np.float32)
    x[:, ::4] += 0.4 * label[:, None]
    weight = random.lognormal(0, 1, EVENTS) * np.where(random.random(EVENTS) < 0.05, -1, 1)
    return x, label, weight


def forest() -> None:
    from sklearn.ensemble import RandomForestClassifier

    x, label, weight = events()
    begin = time.process_time()
    RandomForestClassifier(n_estimators=100, n_jobs=1, random_state=1).fit(x, label, sample_weight=np.abs(weight))
    print(json.dumps({"seconds": time.process_time() - begin}))


def report(work: Path) -> None:
    from ophion.tools import metrics_tool, report_tool

    x, label, weight = events()
    random = np.random.default_rng(2)
    merit = x[:, ::4].sum(axis=1) - 2
    scores = {name: (1 / (1 + np.exp(-0.4 * (merit + random.standard_normal(EVENTS))))).astype(np.float32) for name in METHODS}
    ends = np.cumsum([int(share * EVENTS) for share in PARTS.values()])
    rows = dict(zip(PARTS, np.split(np.arange(EVENTS), ends[:-1]), strict=True))
    names = [f"feature_{i}" for i in range(FEATURES)]
    task = {"task": "classification", "classes": ["background", "signal"], "targets": []}

    begin = time.process_time()
    found: dict = {name: {} for name in METHODS}
    for name in METHODS:
        job = metrics_tool.start({})
        for part, chosen in rows.items():
            data = {"scores": scores[name][chosen], "labels": label[chosen], "weights": weight[chosen]}
            found[name][part] = job.run({**task, "part": part}, data)
    methods = {name: {"type": "sklearn", "status": "done", "seconds": 1.0, "metrics": found[name]} for name in METHODS}
    document = {"name": "benchmark", **task, "data": {"samples": [], "parts": {}}, "methods": methods, "best": METHODS[0], "stopped": False}
    (work / "metrics.json").write_text(json.dumps(document))
    features = [{"name": name, "unit": ""} for name in names]
    job = report_tool.start({**task, "folder": str(work), "title": "benchmark", "features": features, "transformed": {METHODS[0]: names}, "options": {}})
    for part, chosen in rows.items():
        data = {"features": x[chosen], "labels": label[chosen], "weights": weight[chosen], "spectator:mass": merit[chosen]}
        data |= {f"scores:{name}": scores[name][chosen] for name in METHODS}
        if part == "train":
            data[f"transformed:{METHODS[0]}"] = 2 * x[chosen]
        job.run({"part": part}, data)
    job.finish()
    seconds = time.process_time() - begin
    print(json.dumps({"seconds": seconds, "bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}))


def in_process(what: str, work: Path) -> dict:
    output = work / f"{what}.json"
    pid = os.posix_spawn(sys.executable, [sys.executable, __file__, str(work), what], os.environ,
                         file_actions=[(os.POSIX_SPAWN_OPEN, 1, str(output), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)])  # fmt: skip
    if os.waitpid(pid, 0)[1]:
        sys.exit(f"the {what} failed")
    return json.loads(output.read_text().splitlines()[-1])


def main() -> None:
    work = Path(sys.argv[1])
    if len(sys.argv) > 2:
        return {"forest": forest, "report": lambda: report(work)}[sys.argv[2]]()
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    ours, theirs = in_process("report", work), in_process("forest", work)
    for what, found, goal, details in (
        ("report of 200,000 x 40, 3 methods / fit of 100 trees", ours["seconds"] / theirs["seconds"], 1,
         f"{ours['seconds']:.1f} s / {theirs['seconds']:.1f} s"),
        ("its peak memory / 1 GB", ours["bytes"] / GIGABYTE, 1, f"{ours['bytes'] / 1e6:.0f} MB, events and Python included"),
    ):  # fmt: skip
        print(f"r | {what:<58} | {found:8.3f} | <= {goal:<6g} | {'pass' if found <= goal else 'MISS'} | {details}", flush=True)


if __name__ == "__main__":
    main()
