"""Generators that tell how they ended, and consumers of iterators."""

import threading

log = []


def numbers(n):
    try:
        for i in range(n):
            yield float(i)
    finally:
        log.append(f"closed after {n}")


def failing():
    yield 1.0
    raise ValueError("no more batches")


def mixed():
    yield {"x": 1.0}
    yield {"x": 2.0}
    yield {"x": "three"}


def stubborn():
    try:
        yield 1.0
    finally:
        raise RuntimeError("will not be closed")


def taken():
    """What was logged since the last time."""
    lines = list(log)
    log.clear()
    return lines


class File:
    """An iterable that has a close() but is no generator: its owner closes it."""

    closed = False

    def __iter__(self):
        return self

    def __next__(self):
        return 1.0

    def close(self):
        File.closed = True


def file():
    return File()


def file_is_closed():
    return File.closed


def only_items():
    class Old:
        def __getitem__(self, index):
            if index == 3:
                raise IndexError
            return float(index)

    return Old()


def wrapped(iterator):
    """A generator over an iterator, as users write them."""
    for item in iterator:
        yield item


def caught(iterator):
    try:
        return str(list(iterator))
    except Exception as error:
        return f"{type(error).__module__}.{type(error).__name__}: {error}"


def wrapped_error(iterator):
    try:
        return list(iterator)
    except Exception as error:
        raise KeyError("reading") from error


def first(iterator):
    return next(iterator)


def twice_at_a_time(iterator):
    """What two threads get that ask at once."""
    results = []

    def ask():
        try:
            results.append(str(next(iterator)))
        except ValueError as error:
            results.append(str(error))

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return sorted(results)


def raise_cpp_error():
    from ophion.errors import CppError

    raise CppError("made in Python")
