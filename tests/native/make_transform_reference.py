"""Writes transform_reference.h: what scikit-learn's transformers make of a few hundred numbers.

Run from the repository's root with the project's Python:

    python tests/native/make_transform_reference.py > tests/native/transform_reference.h

The inputs are float32, turned to float64 before scikit-learn sees them; its float64 results are rounded to float32. Three
features: a Gaussian; one of few values, whose quantiles repeat; a constant. What mixes features has others: three Gaussians that depend
on each other, of very different size.
"""

import numpy as np
import scipy
import sklearn
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, OneHotEncoder, QuantileTransformer, RobustScaler, StandardScaler


def training_rows(rng):
    rows = np.column_stack([rng.normal(91.2, 2.5, 400), rng.integers(0, 4, 400), np.full(400, 4.25)])
    return rows.astype(np.float32).astype(np.float64)


def rows_to_transform(rng, quantiles):
    """Ordinary rows, every quantile and its float32 neighbours, bounds, numbers far outside, NaN."""
    ordinary = np.column_stack([rng.normal(91.2, 4, 40), rng.integers(-1, 6, 40), rng.normal(4.25, 1e-3, 40)])
    points = quantiles.astype(np.float32)
    rows = [ordinary, points, np.nextafter(points, np.float32(1e9)), np.nextafter(points, np.float32(-1e9)),
            points[[0, -1]] - 1e-7, points[[0, -1]] + 1e-7, [[1e30] * 3, [-1e30] * 3, [np.nan] * 3]]
    return np.concatenate([np.asarray(part, np.float32) for part in rows])


def literal(number, suffix):
    return "NAN" if np.isnan(number) else float(number).hex() + suffix


def array(kind, name, numbers):
    suffix = "f" if kind == "float" else ""
    texts = [literal(number, suffix) for number in np.ravel(numbers)]
    lines = [", ".join(texts[i:i + 6]) for i in range(0, len(texts), 6)]
    return f"inline const std::vector<{kind}> {name} = {{\n    " + ",\n    ".join(lines) + "};\n"


def main():
    rng = np.random.default_rng(20)
    train = training_rows(rng)
    quantile = {output: QuantileTransformer(n_quantiles=25, output_distribution=output).fit(train)
                for output in ("uniform", "normal")}
    standard = StandardScaler().fit(train)
    minmax = MinMaxScaler((-1, 2), clip=False).fit(train)
    clipped = MinMaxScaler((-1, 2), clip=True).fit(train)
    rows = rows_to_transform(rng, quantile["uniform"].quantiles_)

    print(f"/// Made by make_transform_reference.py with scikit-learn {sklearn.__version__} and SciPy {scipy.__version__}.")
    print("#pragma once\n\n#include <cmath>\n#include <vector>\n\nnamespace reference {\n")
    print(array("double", "mean", standard.mean_))
    print(array("double", "scale", standard.scale_))
    print(array("double", "minmax_scale", minmax.scale_))
    print(array("double", "minmax_min", minmax.min_))
    print(array("double", "quantiles", quantile["uniform"].quantiles_))
    print(array("double", "references", quantile["uniform"].references_))
    print(array("float", "rows", rows))
    for name, transformer in (("standard", standard), ("minmax", minmax), ("minmax_clipped", clipped),
                              ("quantile_uniform", quantile["uniform"]), ("quantile_normal", quantile["normal"])):
        print(array("float", name, transformer.transform(rows.astype(np.float64)).astype(np.float32)))
    both = StandardScaler().fit(minmax.transform(train))
    print(array("double", "second_mean", both.mean_))
    print(array("double", "second_scale", both.scale_))
    print(array("float", "minmax_then_standard",
                both.transform(minmax.transform(rows.astype(np.float64))).astype(np.float32)))
    more(rows)
    mixed(rng)
    print("}  // namespace reference")


def more(rows):
    """What is done to each feature by itself, and to some of them."""
    wide = rows.astype(np.float64)
    robust = RobustScaler(quantile_range=(10, 75)).fit(wide[:40])
    print(array("double", "robust_center", robust.center_))
    print(array("double", "robust_scale", robust.scale_))
    print(array("float", "robust", robust.transform(wide).astype(np.float32)))
    with np.errstate(invalid="ignore", divide="ignore"):
        logarithm = FunctionTransformer(lambda x: np.where(x + 1 > 0, np.log(x + 1), np.nan)).transform(wide)
    print(array("float", "logarithm", logarithm.astype(np.float32)))
    symmetric = FunctionTransformer(lambda x: np.sign(x) * np.log1p(np.abs(x))).transform(wide)
    print(array("float", "symmetric_logarithm", symmetric.astype(np.float32)))
    print(array("float", "clipped", np.clip(wide, [85, 0, 4.25], [95, 2, 4.25]).astype(np.float32)))
    encoder = OneHotEncoder(categories=[[0, 1, 3]], handle_unknown="ignore", sparse_output=False)
    some = ColumnTransformer([("rest", "passthrough", [2]), ("scale", StandardScaler(), [0]), ("hot", encoder, [1])])
    some.fit(wide[:40])
    print(array("double", "some_mean", some.named_transformers_["scale"].mean_))
    print(array("double", "some_scale", some.named_transformers_["scale"].scale_))
    print(array("float", "some", some.transform(wide).astype(np.float32)))


def mixed(rng):
    """Decorrelated, and principal components."""
    rows = (rng.normal(size=(60, 3)) @ [[900, 3, 0.01], [0, 2, -0.02], [0, 0, 0.05]] + [5e4, -1, 0.3]).astype(np.float32)
    wide = rows.astype(np.float64)
    pca, white = (PCA(2, whiten=whiten, svd_solver="full").fit(wide) for whiten in (False, True))
    mean = wide.mean(axis=0)
    root = np.linalg.inv(np.real(scipy.linalg.sqrtm(np.cov(wide, rowvar=False))))
    print(array("float", "mixed_rows", rows))
    print(array("double", "mixed_mean", mean))
    print(array("double", "decorrelation", root))
    print(array("double", "decorrelated", (wide - mean) @ root.T))
    print(array("double", "components", pca.components_))
    print(array("double", "projected", pca.transform(wide)))
    print(array("double", "white_components", white.components_ / np.sqrt(white.explained_variance_)[:, np.newaxis]))
    print(array("double", "whitened", white.transform(wide)))


if __name__ == "__main__":
    main()
