"""Models in many threads of a C++ program at once: the same bits as in one."""

import subprocess

import numpy as np
from support import by_label, config, network, tree


def test_threads_that_come_and_go_get_the_bits_of_one_thread(place, events_file):
    forest = {**tree("forest"), "estimator": "sklearn.ensemble.RandomForestClassifier", "params": {"n_estimators": 5}}
    run = place.train(config(by_label(events_file), [network(), forest]))
    np.random.default_rng(3).standard_normal((500, 3)).astype(np.float32).tofile(place / "rows.bin")
    program = place.program.file.parent / "many_threads_program"
    done = subprocess.run(
        [program, "rows.bin", "python", run.model("mlp"), run.model("forest")],
        cwd=place.path, env=place.program.environment(), capture_output=True, text=True, timeout=240,
    )
    assert done.stdout == "0 different, 0 failed\n", done.stderr
    assert done.returncode == 0
