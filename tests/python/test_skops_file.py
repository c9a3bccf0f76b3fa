"""Files of estimators: what a wild one may hold.

Each change is made to an honest file's arrays or words, and must be refused before anything is made of it.
"""

import io
import json
import zipfile

import numpy as np
import pytest
from conftest import classification, context, events, gaussians

from ophion.contract import TrainingData
from ophion.methods import _skops_file, sklearn_method

FOREST = "sklearn.ensemble.RandomForestClassifier"
HISTOGRAM = "sklearn.ensemble.HistGradientBoostingClassifier"
GRADIENT = "sklearn.ensemble.GradientBoostingClassifier"


def kept(estimator, data=None, spec=None, **params):
    """What the method "sklearn" trained, and its file."""
    ctx = context("sklearn", spec or classification(), estimator=estimator, params=params)
    model = sklearn_method.train(data or TrainingData(gaussians(400)), ctx)
    return model, sklearn_method.save(model)["estimator.skops"]


def doctored(content, change_array=None, change_schema=None):
    """The skops file with each structured .npy member, or the schema, changed."""
    result = io.BytesIO()
    changed = 0
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(result, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name.endswith(".npy") and change_array is not None:
                array = np.load(io.BytesIO(data))
                if array.dtype.names:
                    change_array(array)
                    changed += 1
                    buffer = io.BytesIO()
                    np.save(buffer, array)
                    data = buffer.getvalue()
            if name == "schema.json" and change_schema is not None:
                text = data.decode()
                data = change_schema(text).encode()
                changed += data.decode() != text
            new.writestr(name, data)
    assert changed
    return result.getvalue()


def setting(field, row, value):
    def change(array):
        array[field][row] = value

    return change


def lying(content, value_of):
    """The skops file with value_of(key, value) in place of every value of an object in its schema."""

    def walk(node):
        if isinstance(node, dict):
            return {key: walk(value_of(key, value)) for key, value in node.items()}
        return [walk(one) for one in node] if isinstance(node, list) else node

    return doctored(content, change_schema=lambda text: json.dumps(walk(json.loads(text))))


@pytest.fixture(scope="module")
def forest():
    return kept(FOREST, n_estimators=2)[1]


@pytest.fixture(scope="module")
def boosted():
    return kept(HISTOGRAM, max_iter=2)[1]


@pytest.fixture(scope="module")
def categorical():
    x = np.random.default_rng(1).integers(0, 5, (300, 2)).astype(np.float32)
    x[::9, 0] = np.nan
    data = TrainingData(events(x, (x[:, 0] % 2 == 1).astype(np.int32), np.ones(300)))
    model, content = kept(HISTOGRAM, data, max_iter=3, categorical_features=[0])
    return model, x, content


@pytest.mark.parametrize(("problem", "loads"), [("AST constructor recursion depth mismatch (before=72, after=64)", True), ("another", False)])
def test_a_load_that_another_thread_disturbed_is_repeated(categorical, monkeypatch, problem, loads):
    _, x, content = categorical
    read, failures = np.load, iter([SystemError(problem), SystemError(problem)])

    def disturbed(*arguments, **options):
        for failure in failures:
            raise failure
        return read(*arguments, **options)

    expected = _skops_file.load(content).predict(x)
    monkeypatch.setattr(np, "load", disturbed)
    if loads:
        assert np.array_equal(_skops_file.load(content).predict(x), expected)
    else:
        with pytest.raises(SystemError, match=problem):
            _skops_file.load(content)


def test_splits_on_categories_are_kept_and_need_no_trust(categorical):
    model, x, content = categorical
    assert not _skops_file.is_opaque(content)
    assert np.array_equal(_skops_file.load(content).predict_proba(x)[:, 1].astype(np.float32), model.predict(x))


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        ("left_child", 10**6, "the left child of node 0 is 1000000, expected 1 to"),
        ("right_child", 0, "the right child of node 0 is 0, expected 1 to"),
        ("left_child", -7, "the left child of node 0 is -7"),
        ("feature", 2, "node 0 asks for feature 2, expected 0 to 1"),
        ("feature", -2, "node 0 asks for feature -2"),
    ],
)
def test_a_wild_tree_is_refused(forest, field, value, text):
    with pytest.raises(ValueError, match=f"sklearn.tree._tree.Tree: .*{text}"):
        _skops_file.load(doctored(forest, setting(field, 0, value)))


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        ("left", 10**6, "the left child of node 0 is 1000000, expected 1 to"),
        ("right", 0, "the right child of node 0 is 0"),
        ("feature_idx", 30, "node 0 asks for feature 30, expected 0 to 1"),
    ],
)
def test_a_wild_predictor_is_refused(boosted, field, value, text):
    with pytest.raises(ValueError, match=f"TreePredictor: .*{text}"):
        _skops_file.load(doctored(boosted, setting(field, 0, value)))


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        ("bitset_idx", 10**6, r"TreePredictor: splits on categories up to set 1000000, but sets of shape \(1, 8\)"),
        ("feature_idx", 2, "node 0 asks for feature 2, expected 0 to 1"),
    ],
)
def test_a_wild_split_on_categories_is_refused(categorical, field, value, text):
    with pytest.raises(ValueError, match=text):
        _skops_file.load(doctored(categorical[2], setting(field, 0, value)))


def test_splits_on_categories_of_a_model_without_categories_are_refused(boosted):
    def change(array):
        array["is_categorical"][0] = 1

    with pytest.raises(ValueError, match="TreePredictor: splits on categories up to set 0, but sets of shape"):
        _skops_file.load(doctored(boosted, change))


def test_a_tree_that_lies_about_its_features_is_refused(forest):
    # The forest hands on its x after a look at its own n_features_in_ only.
    def lie(key, value):
        return {**value, "content": "1", "__id__": None} if key == "n_features_in_" else value

    with pytest.raises(ValueError, match="asks for feature 1, expected 0 to 0"):
        _skops_file.load(lying(forest, lie))


def test_a_tree_that_lies_about_its_size_is_refused(forest):
    def lie(key, value):
        return {**value, "content": "1000000", "__id__": None} if key == "node_count" else value

    with pytest.raises(ValueError, match="node_count 1000000"):
        _skops_file.load(lying(forest, lie))


def test_nodes_that_another_object_stands_in_for_are_seen(forest):
    # skops takes the first object of an __id__ for all of that __id__: the check must look at what will be made, not at
    # what is written.
    seen = []

    def alias(key, value):
        if key == "nodes":
            seen.append(value)
            return {**value, "__id__": seen[0]["__id__"]}
        return value

    with pytest.raises(ValueError, match="nodes, node_count"):
        _skops_file.load(lying(forest, alias))


def test_a_preprocessor_that_hands_on_less_is_refused(categorical):
    def narrow(key, value):  # the columns that the second transformer takes
        return {**value, "content": value["content"][:1]} if key == "transformers_" else value

    with pytest.raises(ValueError, match=r"HistGradientBoostingClassifier: makes features of shape \(1, 1\), expected \(1, 2\)"):
        _skops_file.load(lying(categorical[2], narrow))


def test_a_partial_of_anything_else_is_refused(categorical):
    def other(key, value):
        return {**value, "__class__": "reduce", "__module__": "numpy._core.multiarray"} if key == "func" else value

    with pytest.raises(ValueError, match="not trusted: numpy._core.multiarray.reduce"):
        _skops_file.load(lying(categorical[2], other))

    def known(key, value):
        found = isinstance(value, dict) and value.get("__class__") == "check_array"
        return {**value, "__class__": "exp", "__module__": "numpy"} if key == "func" and found else value

    with pytest.raises(ValueError, match="functools.partial of numpy.exp, expected sklearn.utils.validation.check_array"):
        _skops_file.load(lying(categorical[2], known))


def test_a_tree_under_a_false_name_is_checked(forest):
    def rename(text):
        other = '"__module__": "sklearn.neural_network._stochastic_optimizers"'
        return text.replace('"__class__": "Tree",', '"__class__": "AdamOptimizer",').replace(
            '"__module__": "sklearn.tree._tree"', other
        )

    wild = doctored(forest, setting("left_child", 0, 10**6))
    with pytest.raises(ValueError, match="the left child of node 0 is 1000000"):
        _skops_file.load(doctored(wild, change_schema=rename))

    def other_loader(text):
        return text.replace('"__loader__": "TreeNode"', '"__loader__": "LossNode"')

    with pytest.raises(ValueError, match="Tree: not written as scikit-learn's objects are"):
        _skops_file.load(doctored(wild, change_schema=other_loader))


def test_a_foreign_type_is_named_before_it_is_made(forest):
    def foreign(text):
        return text.replace('"__module__": "sklearn.ensemble._forest"', '"__module__": "subprocess"').replace(
            '"RandomForestClassifier"', '"Popen"'
        )

    with pytest.raises(ValueError, match="types that are not trusted: subprocess.Popen"):
        _skops_file.load(doctored(forest, change_schema=foreign))


def test_bytes_that_are_no_skops_file_are_refused():
    with pytest.raises(ValueError, match="no skops file that can be read"):
        _skops_file.load(b"PK but not really")


def test_compressed_members_are_refused(forest):
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(forest)) as old, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
    for function in (_skops_file.load, _skops_file.is_opaque):
        with pytest.raises(ValueError, match="the estimator's members are compressed, which may hide any size"):
            function(packed.getvalue())


def test_stages_of_another_width_are_refused():
    _, content = kept(GRADIENT, n_estimators=2)

    def lie(key, value):
        return {**value, "content": "3", "__id__": None} if key == "n_trees_per_iteration_" else value

    with pytest.raises(ValueError, match="its stages don't all have 3 trees"):
        _skops_file.load(lying(content, lie))


def test_first_scores_of_another_width_are_refused():
    # Gradient boosting adds its third tree to the third column of what its init_ gives, whether there is one or not.
    classes = ("a", "b", "c")
    model, content = kept(GRADIENT, TrainingData(gaussians(300, classes=classes)), classification(classes), n_estimators=2)
    assert not _skops_file.is_opaque(content)
    model.estimator.init_.class_prior_ = np.array([0.5, 0.5])
    with pytest.raises(ValueError, match=r"begins with scores of shape \(1, 2\) for 3 trees|could not be broadcast"):
        _skops_file.load(_skops_file.dump(model.estimator))
    model.estimator.init_ = model.estimator.estimators_[0, 0]
    assert _skops_file.is_opaque(_skops_file.dump(model.estimator))


@pytest.mark.parametrize(
    "estimator",
    [
        "sklearn.neighbors.KNeighborsClassifier",
        "sklearn.svm.NuSVC",
        "sklearn.cluster.KMeans",
        "sklearn.semi_supervised.LabelSpreading",
    ],
)
def test_what_compiled_code_walks_unchecked_counts_as_code(estimator):
    data = gaussians(100)
    module, _, name = estimator.rpartition(".")
    fitted = getattr(__import__(module, fromlist=[name]), name)().fit(data.x.copy(), data.y)
    assert _skops_file.is_opaque(_skops_file.dump(fitted))


def test_sparse_arrays_count_as_code():
    import skops.io
    from sklearn.linear_model import SGDClassifier

    data = gaussians(100)
    fitted = SGDClassifier().fit(data.x, data.y)
    assert not _skops_file.is_opaque(_skops_file.dump(fitted))
    sparse = skops.io.dumps(fitted.sparsify())
    with pytest.raises(ValueError, match="types that are not trusted: scipy.sparse._csr.csr_matrix"):
        _skops_file.load(sparse)

    def rename(text):  # to the one that skops trusts: what is made depends on the member alone
        return text.replace('"csr_matrix"', '"spmatrix"').replace('"scipy.sparse._csr"', '"scipy.sparse._matrix"')

    renamed = doctored(sparse, change_schema=rename)
    assert type(_skops_file.load(renamed).coef_).__name__ == "csr_matrix"
    assert _skops_file.is_opaque(renamed)
