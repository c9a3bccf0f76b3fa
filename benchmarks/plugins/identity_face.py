"""Gives back the events: as many targets as features are wanted."""

PACKAGES = ["numpy"]


def check(context):
    pass


def train(data, context):
    return "nothing"


def predict(model, x):
    return x


def save(model):
    return {"nothing": b""}


def load(members, context):
    return "nothing"


def carries_code(members):
    return False
