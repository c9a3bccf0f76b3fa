"""Writes transform_reference.h: what scikit-learn's transformers make of a few hundred numbers.

Run from the repository's root with the project's Python:

    python tests/native/make_transform_reference.py > tests/native/transform_reference.h

The inputs are float32, turned to float64 before scikit-learn sees them; its float64 results are rounded to float32. Three
features: a Gaussian; one of few values, whose quantiles repeat; a constant.
"""

import numpy as np
import scipy
import sklearn
from sklearn.preprocessing import MinMaxScaler, QuantileTransformer, StandardScaler


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
    print("}  // namespace reference")


if __name__ == "__main__":
    main()
