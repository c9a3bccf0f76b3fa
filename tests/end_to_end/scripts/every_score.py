"""The method "script" that gives its scores, 1 where x0 is positive and else 0, in the form that its parameter names."""

import numpy as np

FORMS = {
    "float64": lambda high: high.astype(float),
    "column": lambda high: high.astype(np.float32)[:, None],
    "bool": lambda high: high,
    "integers": lambda high: high.astype(np.int16),
    "other_byte_order": lambda high: high.astype(">f4"),
    "strided": lambda high: np.stack([high, high], axis=1).astype(float)[:, 1],
    "list": lambda high: high.tolist(),
    # and those that are none:
    "none": lambda high: None,
    "text": lambda high: ["high" if one else "low" for one in high],
    "objects": lambda high: np.array([None] * len(high)),
    "complex": lambda high: high.astype(complex),
    "nan": lambda high: np.where(high, 1, np.nan),
    "one_too_few": lambda high: high[:-1],
    "one_for_all": lambda high: 0.5,
    "two_columns": lambda high: np.stack([high, ~high], axis=1),
    "jagged": lambda high: [[1.0] * (1 + int(one)) for one in high],
}


def train(train, validation, ctx, form):
    return form


def predict(form, x):
    return FORMS[form](x[:, 0] > 0)


def save(form):
    return {"form": form.encode()}


def load(members, ctx):
    return members["form"].decode()
