"""Whole trainings as processes, ``ophion train`` beside plain Python: CPU time (b), peak memory (d).

Usage: processes.py OPHION WORK time|memory [PAIRS]

Both processes go from the ROOT file to model, metrics and scores on disk. Neither draws a report: (r) measures that.
"""

import json
import os
import shutil
import statistics
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
CONFIG = HERE / "training.json"


def report(letter, what, found, goal, details=""):
    """The line that scripts/bench.sh makes its table of; as in measure.h."""
    verdict = "pass" if found <= goal else "MISS"
    print(f"{letter} | {what:<58} | {found:8.3f} | <= {goal:<6g} | {verdict} | {details}", flush=True)


def run(command, log):
    """CPU seconds and peak memory in bytes of a process."""
    with open(log, "wb") as output:
        process = os.posix_spawn(
            command[0],
            command,
            os.environ,
            file_actions=[(os.POSIX_SPAWN_DUP2, output.fileno(), 1), (os.POSIX_SPAWN_DUP2, output.fileno(), 2)],
        )
    _, status, usage = os.wait4(process, 0)
    if status:
        sys.exit(f"{' '.join(command)} failed:\n{Path(log).read_text(errors='replace')[-2000:]}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024


def one_method(work, name, changes):
    """The config with just that method, its paths absolute."""
    lines = [line for line in CONFIG.read_text().splitlines() if not line.strip().startswith("//")]
    config = json.loads("\n".join(lines))
    config["methods"] = [method for method in config["methods"] if method["name"] == name]
    config["report"] = {"enabled": False}
    for sample in config["data"]["samples"]:
        sample["files"] = [str((HERE / file).resolve()) for file in sample["files"]]
    for method in config["methods"]:
        if "script" in method:
            method["script"] = str((HERE / method["script"]).resolve())
    changes(config)
    file = work / f"{name}.json"
    file.write_text(json.dumps(config, indent=1))
    return file


def pair(ophion, config, name, work, ours_first):
    def ours():
        return run([ophion, "train", str(config), "--output", str(work / "runs")], work / "ophion.log")

    def plain():
        shutil.rmtree(work / "plain", ignore_errors=True)
        script = str(HERE / "plain" / "training.py")
        return run([sys.executable, script, str(config), str(work / "plain"), name], work / "plain.log")

    if ours_first:
        a = ours()
        return a, plain()
    b = plain()
    return ours(), b


def measure_time(ophion, work, pairs):
    for name in ("mlp", "boosted_trees", "forest"):
        config = one_method(work, name, lambda config: None)
        found = [pair(ophion, config, name, work, number % 2 == 0) for number in range(pairs)]
        ratio = statistics.median(a[0] / b[0] for a, b in found)
        ours, plain = (statistics.median(one[side][0] for one in found) for side in (0, 1))
        report("b", f"process of training {name} / plain Python", ratio, 1.02, f"{ours:.2f} s / {plain:.2f} s")


def measure_memory(ophion, work, pairs):
    events = work / "memory.root"
    features = [f"x{number}" for number in range(30)]
    make_events(events, features, 500_000)

    def large(config):
        config["data"]["features"] = features
        for sample in config["data"]["samples"]:
            sample["files"] = [str(events)]
        for method in config["methods"]:
            if method["type"] == "pytorch":
                method["training"] |= {"epochs": 1, "batch_size": 4096}
            else:
                method["params"] |= {"max_iter": 10}

    for name in ("mlp", "boosted_trees"):
        config = one_method(work, name, large)
        found = [pair(ophion, config, name, work, number % 2 == 0) for number in range(pairs)]
        ratio = statistics.median(a[1] / b[1] for a, b in found)
        ours, plain = (statistics.median(one[side][1] for one in found) / 1e6 for side in (0, 1))
        details = f"{ours:.0f} MB / {plain:.0f} MB, 1,000,000 events of 30 features (120 MB)"
        report("d", f"peak memory of training {name} / plain Python", ratio, 1.1, details)


def make_events(path, features, count):
    """Two trees, "signal" and "background", of `count` events each with float32 features, if they are not there yet."""
    import numpy as np
    import uproot

    if path.exists():
        return
    random = np.random.default_rng(1)
    partial = path.with_suffix(".partial.root")
    with uproot.recreate(partial) as file:
        for shift, tree in ((0.3, "signal"), (0.0, "background")):
            made = file.mktree(tree, dict.fromkeys(features, np.float32))
            for _ in range(0, count, 100_000):
                made.extend({name: random.normal(shift, 1, 100_000).astype(np.float32) for name in features})
    partial.rename(path)


def main(ophion, work, what, pairs="5"):
    work = Path(work).resolve()
    work.mkdir(parents=True, exist_ok=True)
    if what == "events":
        make_events(work / "events.root", [f"x{number}" for number in range(20)], 1_000_000)
    else:
        {"time": measure_time, "memory": measure_memory}[what](ophion, work, int(pairs))
    shutil.rmtree(work / "runs", ignore_errors=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
