"""Errors that cross to C++ as kinds of their own."""


class OptionError(ValueError):
    """An option of a method is wrong: becomes a ConfigError with file and JSON pointer.

    Parameters
    ----------
    pointer : str
        Below the method's own object, such as "/params/hidden".
    problem : str
        What was expected and what was found.
    """

    def __init__(self, pointer: str, problem: str):
        super().__init__(f"{pointer}: {problem}")
        self.pointer = pointer
        self.problem = problem


class DataError(ValueError):
    """A file or column can't be read: becomes a DataError. The text names the file and the column."""
