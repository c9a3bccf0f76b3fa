"""Models that other programs trained score in C++, without Python, as they did there."""

import json

import lightgbm
import numpy as np
import pytest
import skops.io
import xgboost
from sklearn import ensemble, linear_model, neighbors
from support import two_gaussians, write_parquet

FEATURES = "x0,x1,x2"


@pytest.fixture(scope="module")
def trained(module_place):
    """Files of other programs, with the scores that these give for some events."""
    events = two_gaussians(800)
    x = np.stack([events[f"x{i}"] for i in range(3)], axis=1)
    two, three = events["label"], events["label"] + (x[:, 1] > 1)
    few = {"n_estimators": 5, "n_jobs": 1}
    xgb = xgboost.XGBClassifier(**few).fit(x, three)
    light = lightgbm.LGBMClassifier(**few, verbose=-1).fit(x, two)
    counts = lightgbm.LGBMRegressor(**few, objective="poisson", verbose=-1).fit(x, three)
    forest = ensemble.RandomForestClassifier(**few).fit(x, two)
    line = linear_model.LogisticRegression().fit(x, three)
    xgb.save_model(module_place / "xgb.json")
    xgb.save_model(module_place / "xgb.ubj")
    light.booster_.save_model(module_place / "light.txt")
    counts.booster_.save_model(module_place / "counts.txt")
    skops.io.dump(forest, module_place / "forest.skops")
    skops.io.dump(line, module_place / "line.skops")
    skops.io.dump(neighbors.KNeighborsClassifier().fit(x, two), module_place / "near.skops")
    return x, {
        "xgb.json": xgb.predict_proba(x),
        "xgb.ubj": xgb.predict_proba(x),
        "light.txt": light.predict_proba(x)[:, 1],
        "counts.txt": counts.predict(x),
        "forest.skops": forest.predict_proba(x)[:, 1],
        "line.skops": line.predict_proba(x),
    }


@pytest.mark.parametrize("name", ["xgb.json", "xgb.ubj", "light.txt", "counts.txt", "forest.skops", "line.skops"])
def test_an_imported_model_scores_without_python_as_its_trainer_does(module_place, trained, name):
    x, expected = trained
    done = module_place.run("import", name, "--features", FEATURES, "--output", f"{name}.ophion")
    trainer = "xgboost" if "xgb" in name else "lightgbm" if name.endswith("txt") else "sklearn"
    assert f"{name}.ophion: " in done.stdout and f"of 3 features; scores as {trainer} " in done.stdout
    scores = module_place.program.score(module_place / f"{name}.ophion", x, module_place.path, "native")
    assert np.allclose(scores, np.ravel(expected[name]), rtol=1e-5, atol=1e-6)
    assert np.ptp(scores) > 0.1


def test_an_imported_model_scores_files_by_the_names_it_was_given(module_place, trained):
    x, expected = trained
    names = ["--features", "pt,eta,a phi", "--classes", "background,top,signal", "--name", "tops"]
    done = module_place.run("import", "xgb.json", *names, "--output", "named.ophion", "--json")
    assert json.loads(done.stdout) == {
        "output": "named.ophion",
        "origin": "XGBoost multi:softprob",
        "checked_against": f"xgboost {xgboost.__version__}",
    }
    file = write_parquet(module_place / "named.parquet", {"eta": x[:, 1], "a phi": x[:, 2], "pt": x[:, 0]})
    scores = module_place.predict("named.ophion", file, output="named_scores.parquet")
    assert list(scores) == ["score_background", "score_top", "score_signal"]
    assert np.allclose(np.stack(list(scores.values()), axis=1), expected["xgb.json"], atol=1e-6)
    manifest = json.loads(module_place.run("inspect", "named.ophion", "--json").stdout)
    assert manifest["name"] == "tops" and manifest["method"]["type"] == "import" and manifest["missing"] == "keep"
    assert manifest["provenance"]["imported"]["file"] == "xgb.json" and manifest["selftest"]["rows"] == 32
    assert [(one["backend"], one["carries_code"]) for one in manifest["payloads"]] == [("native", False)]


@pytest.mark.parametrize(
    "arguments, problem",
    [
        (["xgb.json", "--features", "a,b"], "xgb.json: XGBoost multi:softprob has 3 features, but 2 names are given"),
        (["xgb.json"], "xgb.json: its 3 features have no names: give them, in their order, with --features"),
        (["xgb.json", "--features", "a,b,c`d"], "xgb.json: 'c`d' can't be the name of a column"),
        (["half.json", "--features", FEATURES], "half.json: is cut off, or no JSON: "),
        (["wild.txt", "--features", FEATURES], "wild.txt: LightGBM with the objective 'lambdarank'"),
        (["near.skops", "--features", FEATURES], "near.skops: a skops file that holds what can't be checked: sklearn."),
        (["gone.json", "--features", FEATURES], "gone.json: No such file or directory"),
        (["xgb.json", "--features", FEATURES, "--targets", "y"], "a classification, which has no targets"),
    ],
)
def test_what_cannot_be_imported_leaves_nothing_behind(module_place, trained, arguments, problem):
    module_place.write("half.json", (module_place / "xgb.json").read_text()[:5000])
    module_place.write("wild.txt", (module_place / "light.txt").read_text().replace("objective=binary", "objective=lambdarank"))
    refused = module_place.run("import", *arguments, "--output", "none.ophion", status=1)
    assert problem in refused.stderr and "Traceback" not in refused.stderr
    assert not (module_place / "none.ophion").exists()


def test_an_import_replaces_a_file_only_when_it_is_told_to(module_place, trained):
    module_place.write("there.ophion", "precious")
    arguments = ["import", "light.txt", "--features", FEATURES, "--output", "there.ophion"]
    assert "there.ophion is there already; --overwrite replaces it" in module_place.run(*arguments, status=1).stderr
    assert (module_place / "there.ophion").read_text() == "precious"
    module_place.run(*arguments, "--overwrite")
    assert "LightGBM" in json.dumps(json.loads(module_place.run("inspect", "there.ophion", "--json").stdout)["provenance"])
