"""One event from Python to a model and back: ophion.Model.predict with the native form beside onnxruntime's InferenceSession.run with the
ONNX form of the same network, out of the same model file.

    python_predict.py BUILD WORK

Rounds of calls take turns, who goes first alternates; CPU times of the thread, the median of the rounds' ratios.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

ROUNDS, CALLS, GOAL = 101, 1000, 0.4
FEATURES = [f"x{i}" for i in range(28)]
SCRIPT = """
from torch import nn

def get_model(spec):
    return nn.Sequential(nn.Linear(spec.n_features, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, spec.n_outputs))
"""


def trained(work: Path) -> Path:
    """A network of 28-64-32-1 with standardised features, as a model file with both forms."""
    import ophion

    (work / "network.py").write_text(SCRIPT)
    rng = np.random.default_rng(1)
    events = {name: dict(zip(FEATURES, rng.normal(0.2 * k, 1, (28, 2000)))) for k, name in enumerate(("background", "signal"))}
    method = {"name": "network", "type": "pytorch", "script": str(work / "network.py"), "transform": ["standard"], "export": ["onnx"],
              "training": {"epochs": 2}}  # fmt: skip
    config = {"version": 1, "name": "python", "task": "classification", "output": str(work / "runs"), "data": {"features": FEATURES},
              "methods": [method], "evaluation": {"importance_events": 0}, "report": {"enabled": False}}  # fmt: skip
    file = work / "network.ophion"
    ophion.train(config, events=events).best.save(file)
    return file


def seconds(call: Callable[[np.ndarray], object], rows: list[np.ndarray]) -> float:
    begin = time.thread_time()
    for row in rows:
        call(row)
    return time.thread_time() - begin


def main() -> None:
    build, work = (Path(argument).resolve() for argument in sys.argv[1:])
    sys.path.insert(0, str(build / "lib" / "ophion" / "python"))
    import onnxruntime
    import ophion

    work.mkdir(parents=True, exist_ok=True)
    file = trained(work)
    subprocess.run([build / "bin" / "ophion", "export", file, "--onnx", work / "network.onnx", "--overwrite"], check=True, stdout=subprocess.DEVNULL)

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(work / "network.onnx", options, providers=["CPUExecutionProvider"])
    name, output = session.get_inputs()[0].name, [session.get_outputs()[0].name]
    model = ophion.Model.load(file)
    bound = model.bind(model.features)

    def theirs(row: np.ndarray) -> object:
        return session.run(output, {name: row})

    rng = np.random.default_rng(2)
    rows = list(rng.normal(size=(CALLS, 1, len(FEATURES))).astype(np.float32))
    events = [row[0] for row in rows]
    apart = max(abs(float(model.predict(row)[0]) - float(np.ravel(theirs(row)[0])[0])) for row in rows)  # type: ignore[index]
    assert apart < 1e-5, f"the two do not score alike: {apart}"

    for what, ours, given in (("ophion.Model.predict, one row", model.predict, rows), ("ophion.BoundScore, one event", bound, events)):
        pairs = []
        for round_number in range(ROUNDS):
            if round_number % 2:
                pairs.append((seconds(ours, given), seconds(theirs, rows)))
            else:
                pairs.append(tuple(reversed((seconds(theirs, rows), seconds(ours, given)))))
        ratio = statistics.median(one / other for one, other in pairs)
        mine, other = (1e6 / CALLS * statistics.median(side) for side in zip(*pairs))
        details = f"{mine:.2f} µs, onnxruntime {other:.2f} µs, backend {model.backend}"
        print(f"p | {what + ' / onnxruntime from Python':<58} | {ratio:8.3f} | <= {GOAL:<6g} | {'pass' if ratio <= GOAL else 'MISS'} | {details}")


if __name__ == "__main__":
    main()
