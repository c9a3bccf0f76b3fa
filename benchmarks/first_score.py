"""From the start of a process to its first score: examples/event_loop.cpp with one event, beside a C++ program that does nothing.

    first_score.py BUILD WORK

Processes take turns; wall-clock times, since a user waits for them.
"""

from __future__ import annotations

import pathlib
import statistics
import subprocess
import sys
import time

from native_peers import FEATURES, collisions

ROUNDS = 41


def seconds(command: list, text: str) -> float:
    begin = time.perf_counter()
    subprocess.run(command, input=text, stdout=subprocess.DEVNULL, text=True, check=True)
    return time.perf_counter() - begin


def imported(ophion: pathlib.Path, work: pathlib.Path) -> pathlib.Path:
    """500 trees of XGBoost, depth 6, as a model file."""
    import xgboost

    x, label = collisions(30_000, 1)
    xgboost.XGBClassifier(n_estimators=500, max_depth=6, learning_rate=0.1, n_jobs=1).fit(x, label).save_model(work / "first.json")
    names = ",".join(f"x{i}" for i in range(FEATURES))
    subprocess.run(
        [ophion, "import", work / "first.json", "--features", names, "--output", work / "first.ophion", "--overwrite"],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return work / "first.ophion"


def main() -> None:
    build, work = (pathlib.Path(argument) for argument in sys.argv[1:])
    work.mkdir(parents=True, exist_ok=True)
    model = imported(build / "bin" / "ophion", work)
    event = ",".join(f"x{i}" for i in range(FEATURES)) + "\n" + ",".join(["0.5"] * FEATURES) + "\n"
    scoring, empty = [build / "bin" / "event_loop", model], [build / "benchmarks" / "empty_program"]
    times = [(seconds(scoring, event), seconds(empty, "")) for _ in range(ROUNDS)]
    ours, theirs = (1e3 * statistics.median(of) for of in zip(*times))
    print(f"native | process start to first score, XGB 500xd6 | {ours:.2f} ms, an empty program {theirs:.2f} ms | {ours / theirs:.2f}")


if __name__ == "__main__":
    main()
