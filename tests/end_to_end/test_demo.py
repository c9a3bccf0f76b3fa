"""make demo's last step, on the sample that is committed, with a smaller training."""

import re
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SMALLER = {
    '"epochs": 30': '"epochs": 2',
    '"n_estimators": 200': '"n_estimators": 10',
    '"output": "../../runs"': '"output": "../../runs", "report": {"enabled": false}, "evaluation": {"importance_events": 0}',
}


def test_the_demo_trains_ranks_and_scores_and_does_nothing_twice(place, build_folder):
    shutil.copytree(ROOT / "examples" / "higgs4l", place / "examples" / "higgs4l")
    (place / "scripts").mkdir()
    (place / "build").mkdir()
    shutil.copy(ROOT / "scripts" / "demo.sh", place / "scripts")
    config = place / "examples" / "higgs4l" / "train.json"
    text = config.read_text()
    for old, new in SMALLER.items():
        assert old in text
        text = text.replace(old, new)
    config.write_text(text)

    def demo(status=0):
        done = subprocess.run(["scripts/demo.sh", build_folder], cwd=place.path, env=place.program.environment(),
                              capture_output=True, text=True, timeout=240)  # fmt: skip
        assert done.returncode == status, f"{done.stdout}\n{done.stderr}"
        return done.stdout

    first = demo()
    table = first[first.index("rank ") : first.index("best on validation")]
    assert "AUC test" in table and "efficiency at 1 %" in table and "at 30 % background" in table
    aucs = dict(re.findall(r"^ *\d  (\w+) +(0\.\d+) ± 0\.\d+", table, re.M))
    assert aucs.keys() == {"mlp", "forest"}
    assert all(0.7 < float(auc) < 0.82 for auc in aucs.values())
    (run,) = (folder for folder in (place / "runs" / "higgs4l").iterdir() if not folder.is_symlink())
    assert {file.name for file in (run / "models").iterdir()} == {"mlp.ophion", "forest.ophion"}
    said = first[first.index("mlp.ophion: 15 features") :]
    assert re.search(r"^one event: score 0\.\d+$", said, re.M)
    assert re.search(r"^batch: [1-9]\d* of 20000 events above 0.5", said, re.M)
    assert "one by one and in a batch agree within" in said

    second = demo()
    assert second.startswith("trained before (") and table in second and "one event: score" in second
    config.write_text(text.replace('"seed": 42', '"sede": 42'))
    assert "one event: score" not in demo(status=2), "what was trained from another config does not count"
