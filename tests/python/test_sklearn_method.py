"""The method "sklearn": building from the config, weights, scores, rehearsals."""

import os
import subprocess
import sys

import numpy as np
import pytest
from conftest import ROOT, classification, context, events, gaussians, linear_targets, regression

from ophion.contract import TrainingData, versions
from ophion.errors import OptionError
from ophion.methods import sklearn_method

FOREST = "sklearn.ensemble.RandomForestClassifier"


def trained(spec=None, data=None, **options):
    ctx = context("sklearn", spec or classification(), **options)
    sklearn_method.check(ctx)
    return ctx, sklearn_method.train(data or TrainingData(gaussians(400)), ctx)


def rehearsed(**options):
    ctx = context("sklearn", classification(), **options)
    ctx.rehearsal = True
    return sklearn_method.train(TrainingData(gaussians(50)), ctx).estimator


def refused(spec=None, **options):
    with pytest.raises(OptionError) as caught:
        sklearn_method.check(context("sklearn", spec or classification(), **options))
    return caught.value.pointer, caught.value.problem


KEPT = [
    (FOREST, {"n_estimators": 7}),
    ("sklearn.ensemble.ExtraTreesClassifier", {"n_estimators": 7}),
    ("sklearn.ensemble.HistGradientBoostingClassifier", {"max_iter": 5}),
    ("sklearn.ensemble.GradientBoostingClassifier", {"n_estimators": 5}),
    (
        "sklearn.ensemble.AdaBoostClassifier",
        {
            "n_estimators": 3,
            "estimator": {"estimator": "sklearn.tree.DecisionTreeClassifier", "params": {"max_depth": 2}},
        },
    ),
    ("sklearn.ensemble.BaggingClassifier", {"n_estimators": 3}),
    ("sklearn.neural_network.MLPClassifier", {"hidden_layer_sizes": [5], "max_iter": 20}),
    ("sklearn.svm.SVC", {}),
    ("sklearn.linear_model.RidgeClassifier", {}),
    ("sklearn.naive_bayes.GaussianNB", {}),
    (
        "sklearn.calibration.CalibratedClassifierCV",
        {"estimator": {"estimator": "sklearn.tree.DecisionTreeClassifier"}, "cv": 2},
    ),
    (
        [
            {"estimator": "sklearn.preprocessing.StandardScaler"},
            {"estimator": "sklearn.linear_model.SGDClassifier", "params": {"loss": "log_loss"}},
        ],
        {},
    ),
    ("xgboost.XGBClassifier", {"n_estimators": 5}),
    ("lightgbm.LGBMClassifier", {"n_estimators": 5, "verbose": -1}),
]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("classes", [("b", "s"), ("a", "b", "c")])
@pytest.mark.parametrize(
    ("estimator", "params"), KEPT, ids=[one if isinstance(one, str) else "pipeline" for one, _ in KEPT]
)
def test_kept_estimators_score_as_before_bit_for_bit(estimator, params, classes):
    if isinstance(estimator, str) and not estimator.startswith("sklearn"):
        pytest.importorskip(estimator.partition(".")[0])
    data = TrainingData(gaussians(300, classes=classes))
    ctx, model = trained(classification(classes), data, estimator=estimator, params=params)
    members = sklearn_method.save(model)
    loaded = sklearn_method.load(members, ctx)
    scores = sklearn_method.predict(model, data.train.x)
    assert scores.dtype == np.float32 and scores.shape == ((300,) if len(classes) == 2 else (300, 3))
    assert np.array_equal(sklearn_method.predict(loaded, data.train.x), scores)
    assert sklearn_method.carries_code(members) == any(one in str(estimator) for one in ("xgboost", "lightgbm", "SVC"))


@pytest.mark.parametrize(
    "estimator",
    [
        "sklearn.ensemble.GradientBoostingRegressor",
        "sklearn.ensemble.HistGradientBoostingRegressor",
        "xgboost.XGBRegressor",
        "lightgbm.LGBMRegressor",
    ],
)
def test_kept_regressors_score_as_before_bit_for_bit(estimator):
    if not estimator.startswith("sklearn"):
        pytest.importorskip(estimator.partition(".")[0])
    data = linear_targets(400, n_targets=1)
    ctx, model = trained(regression(), data, estimator=estimator)
    scores = sklearn_method.predict(model, data.train.x)
    assert np.array_equal(
        sklearn_method.predict(sklearn_method.load(sklearn_method.save(model), ctx), data.train.x), scores
    )


def test_scores_are_those_of_plain_scikit_learn():
    from sklearn.ensemble import RandomForestClassifier

    data = TrainingData(gaussians(400, weights=np.random.default_rng(1).uniform(0.5, 2, 400)))
    _, model = trained(data=data, estimator=FOREST, params={"n_estimators": 20})
    plain = RandomForestClassifier(n_estimators=20, random_state=7).fit(
        data.train.x, data.train.y, sample_weight=data.train.w
    )
    assert np.array_equal(
        sklearn_method.predict(model, data.train.x), plain.predict_proba(data.train.x)[:, 1].astype(np.float32)
    )


def test_a_decision_is_given_where_there_is_no_probability():
    data = TrainingData(gaussians(400))
    _, model = trained(data=data, estimator="sklearn.svm.LinearSVC")
    assert np.array_equal(
        sklearn_method.predict(model, data.train.x), model.estimator.decision_function(data.train.x).astype(np.float32)
    )


def test_wrong_names_are_refused_with_the_nearest():
    assert "did you mean 'RandomForestClassifier'" in refused(estimator="sklearn.ensemble.RandomForestClasifier")[1]
    assert (
        "sklearn has no 'ensembel', did you mean 'ensemble'"
        in refused(estimator="sklearn.ensembel.RandomForestClassifier")[1]
    )
    assert "there is no package 'no_such_package' in this Python" in refused(estimator="no_such_package.Thing")[1]
    assert "is no class with fit() and get_params()" in refused(estimator="sklearn.metrics.roc_auc_score")[1]


def test_wrong_parameters_are_refused_before_any_data():
    assert refused(estimator=FOREST, params={"n_estimatrs": 3}) == (
        "/params/n_estimatrs",
        "RandomForestClassifier has no parameter 'n_estimatrs', did you mean 'n_estimators'?",
    )
    pointer, problem = refused(estimator=FOREST, params={"n_estimators": -3})
    assert pointer == "/params/n_estimators" and "must be an int in the range [1, inf). Got -3 instead" in problem
    steps = [
        {"estimator": "sklearn.preprocessing.StandardScaler", "params": {}},
        {"estimator": FOREST, "params": {"max_dept": 3}},
    ]
    assert refused(estimator=steps)[0] == "/estimator/1/params/max_dept"
    assert refused(estimator=steps[:1] + [{"estimator": FOREST}], params={"a": 1})[1].startswith(
        "estimator is a list of steps"
    )
    assert "has no transform()" in refused(estimator=[{"estimator": FOREST}, {"estimator": FOREST}])[1]
    nested = {"estimator": {"estimator": "sklearn.tree.DecisionTreeClassifier", "params": {"depth": 1}}}
    assert (
        refused(estimator="sklearn.ensemble.AdaBoostClassifier", params=nested)[0] == "/params/estimator/params/depth"
    )
    assert (
        refused(estimator="sklearn.ensemble.AdaBoostClassifier", params={"estimator__depth": 1})[0]
        == "/params/estimator__depth"
    )


def test_xgboost_takes_names_of_its_own_but_no_slips():
    pytest.importorskip("xgboost")
    assert "did you mean 'max_depth'" in refused(estimator="xgboost.XGBClassifier", params={"max_dept": 3})[1]
    sklearn_method.check(context("sklearn", classification(), estimator="xgboost.XGBClassifier", params={"eta": 0.1}))


def test_an_estimator_for_another_task_is_refused():
    assert (
        refused(estimator="sklearn.ensemble.RandomForestRegressor")[1]
        == "RandomForestRegressor is a regressor, but the task is classification"
    )
    assert (
        refused(regression(), estimator=FOREST)[1]
        == "RandomForestClassifier is a classifier, but the task is regression"
    )


def test_weights_that_would_be_lost_are_an_error():
    neighbours = "sklearn.neighbors.KNeighborsClassifier"
    with pytest.raises(
        OptionError, match="KNeighborsClassifier.fit takes no sample_weight, but .* weights from 1 to 2"
    ):
        trained(data=TrainingData(gaussians(100, weights=np.repeat([1.0, 2.0], 50))), estimator=neighbours)
    trained(data=TrainingData(gaussians(100, weights=np.full(100, 2.0))), estimator=neighbours)


@pytest.mark.parametrize("name", ["multiclass.OneVsRestClassifier", "multiclass.OneVsOneClassifier"])
def test_an_estimator_that_only_seems_to_take_weights_trains_without(name):
    options = {"estimator": f"sklearn.{name}", "params": {"estimator": {"estimator": "sklearn.linear_model.LogisticRegression"}}}
    classes = ("a", "b", "c")
    equal, differing = np.full(90, 2.0), np.repeat([1.0, 2.0], 45)
    trained(classification(classes), TrainingData(gaussians(90, classes=classes, weights=equal)), **options)
    with pytest.raises(OptionError, match="takes no sample_weight, but the training events have weights from 1 to 2"):
        trained(classification(classes), TrainingData(gaussians(90, classes=classes, weights=differing)), **options)


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_a_stacking_has_its_own_last_estimator(task):
    kind = "Classifier" if task == "classification" else "Regressor"
    params = {"estimators": [["tree", {"estimator": f"sklearn.tree.DecisionTree{kind}"}]], "cv": 2}
    spec, data = (classification(), TrainingData(gaussians(200))) if task == "classification" else (regression(), linear_targets(200, n_targets=1))
    ctx, model = trained(spec, data, estimator=f"sklearn.ensemble.Stacking{kind}", params=params)
    loaded = sklearn_method.load(sklearn_method.save(model), ctx)
    assert np.array_equal(sklearn_method.predict(loaded, data.train.x), sklearn_method.predict(model, data.train.x))


def test_scores_of_pairs_of_classes_are_refused():
    options = {"estimator": "sklearn.svm.SVC", "params": {"decision_function_shape": "ovo"}}
    pointer, problem = refused(classification(("a", "b", "c")), **options)
    assert pointer == "/params/decision_function_shape" and "scores pairs of classes, expected one score a class" in problem
    trained(**options)  # of two classes there is one pair


def test_weights_reach_the_last_step_of_a_pipeline():
    y = np.tile([0, 1], 500).astype(np.int32)
    data = TrainingData(events(np.zeros((1000, 2)), y, np.where(y == 1, 3.0, 1.0)))
    steps = [
        {"estimator": "sklearn.preprocessing.StandardScaler"},
        {"estimator": "sklearn.linear_model.LogisticRegression"},
    ]
    _, model = trained(data=data, estimator=steps)
    assert sklearn_method.predict(model, data.train.x) == pytest.approx(0.75, abs=1e-3)


def test_an_estimator_that_keeps_the_events_gets_a_copy():
    data = TrainingData(gaussians(200))
    ctx, model = trained(data=data, estimator="sklearn.neighbors.KNeighborsClassifier", params={"algorithm": "brute"})
    assert not np.shares_memory(model.estimator._fit_X, data.train.x)


def test_seed_and_threads_are_given_where_the_config_is_silent():
    ctx, model = trained(estimator=FOREST, params={"n_estimators": 3})
    assert model.estimator.random_state == 7
    _, model = trained(estimator=FOREST, params={"n_estimators": 3, "random_state": 3})
    assert model.estimator.random_state == 3
    ctx = context("sklearn", classification(), threads=2, estimator=FOREST, params={"n_estimators": 3})
    assert (
        sklearn_method.train(TrainingData(gaussians(100)), ctx).estimator.n_jobs == 1
    )  # trained on two, scores on one


def test_a_class_without_events_is_named():
    data = gaussians(100)
    only = events(data.x, np.ones(100, np.int32), data.w)
    with pytest.raises(ValueError, match="there are no training events of class 'background'"):
        trained(data=TrainingData(only), estimator=FOREST)


def test_an_estimator_stops_early_on_the_validation_part():
    xgboost = pytest.importorskip("xgboost")
    data = TrainingData(gaussians(300), gaussians(300, seed=8))
    _, model = trained(
        data=data, estimator="xgboost.XGBClassifier", params={"n_estimators": 300, "early_stopping_rounds": 3}
    )
    assert model.estimator.best_iteration < 299
    plain = xgboost.XGBClassifier(n_estimators=300, early_stopping_rounds=3, random_state=7, n_jobs=1)
    plain.fit(
        data.train.x,
        data.train.y,
        sample_weight=data.train.w,
        eval_set=[(data.validation.x, data.validation.y)],
        sample_weight_eval_set=[data.validation.w],
        verbose=False,
    )
    assert plain.best_iteration == model.estimator.best_iteration
    _, model = trained(
        data=data,
        estimator="sklearn.ensemble.HistGradientBoostingClassifier",
        params={"max_iter": 200, "early_stopping": True},
    )
    assert model.estimator.n_iter_ < 200


@pytest.mark.filterwarnings("error")
def test_lightgbm_stops_early_on_the_validation_part():
    pytest.importorskip("lightgbm")
    data = TrainingData(gaussians(600), gaussians(300, seed=2))
    params = {"n_estimators": 300, "early_stopping_rounds": 3, "verbose": -1}
    estimator = trained(data=data, estimator="lightgbm.LGBMClassifier", params=params)[1].estimator
    assert 0 < estimator.best_iteration_ < 200


def test_an_estimator_of_an_unknown_package_can_not_be_kept():
    from sklearn.linear_model import LogisticRegression

    class Own(LogisticRegression):
        pass

    data = gaussians(100)
    model = sklearn_method.TrainedEstimator(Own().fit(data.x, data.y), classification())
    with pytest.raises(ValueError, match="Own can't be kept: it holds .*Own"):
        sklearn_method.save(model)


def test_a_rehearsal_fits_few_trees_or_iterations_and_warns_of_nothing(recwarn):
    assert len(rehearsed(estimator=FOREST, params={"n_estimators": 500}).estimators_) == 2
    assert rehearsed(estimator="sklearn.ensemble.HistGradientBoostingClassifier").n_iter_ == 2
    assert rehearsed(estimator="sklearn.neural_network.MLPClassifier").n_iter_ == 2
    bagged = {"estimator": {"estimator": FOREST, "params": {"n_estimators": 50}}, "n_estimators": 5}
    forests = rehearsed(estimator="sklearn.ensemble.BaggingClassifier", params=bagged).estimators_
    assert [len(forest.estimators_) for forest in forests] == [2, 2]
    steps = [
        {"estimator": "sklearn.preprocessing.StandardScaler"},
        {"estimator": "sklearn.ensemble.AdaBoostClassifier", "params": {"n_estimators": 40}},
    ]
    assert len(rehearsed(estimator=steps, params={}).steps[-1][1].estimators_) == 2
    assert not recwarn.list


def test_a_rehearsal_leaves_what_is_smaller_or_has_no_limit():
    assert len(rehearsed(estimator=FOREST, params={"n_estimators": 1}).estimators_) == 1
    assert rehearsed(estimator="sklearn.svm.SVC").max_iter == -1
    assert rehearsed(estimator="xgboost.XGBClassifier").n_estimators == 2


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    ("estimator", "params"), KEPT, ids=[one if isinstance(one, str) else "pipeline" for one, _ in KEPT]
)
def test_equal_trainings_give_equal_bytes(estimator, params):
    if isinstance(estimator, str) and not estimator.startswith("sklearn"):
        pytest.importorskip(estimator.partition(".")[0])
    first, kept = (trained(estimator=estimator, params=params)[1] for _ in range(2))
    assert sklearn_method.save(first) == sklearn_method.save(kept)


def test_the_version_of_the_estimators_own_package_is_noted():
    pytest.importorskip("xgboost")
    pipeline = [{"estimator": "sklearn.preprocessing.StandardScaler"}, {"estimator": "xgboost.XGBClassifier"}]
    assert "xgboost" in versions(sklearn_method, trained(estimator=pipeline)[1])
    assert "xgboost" not in versions(sklearn_method, trained(estimator="sklearn.naive_bayes.GaussianNB")[1])


def test_the_method_does_without_pytorch():
    code = "import sys, ophion.methods.sklearn_method; sys.exit('torch' in sys.modules)"
    environment = os.environ | {"PYTHONPATH": str(ROOT / "python_scripts")}
    assert subprocess.run([sys.executable, "-c", code], env=environment).returncode == 0
