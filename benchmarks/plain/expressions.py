"""Expressions by numexpr on one thread."""

import numexpr

numexpr.set_num_threads(1)


def evaluate(text, columns, out):
    return numexpr.evaluate(text, columns, out=out, casting="unsafe")
