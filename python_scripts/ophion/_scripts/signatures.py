"""Whether a user's function can be called as Ophion will call it: found out before any data is read."""

from __future__ import annotations

import inspect
from typing import Any, Callable, Mapping

from ophion.errors import OptionError, pointer_to, suggestion

_TAKES_POSITION = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_TAKES_NAME = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def check_call(function: Callable, where: str, given: tuple[str, ...], params: Mapping[str, Any] | None = None) -> None:
    """Check that ``function(*given, **params)`` is a valid call.

    Parameters
    ----------
    function : callable
    where : str
        The file, for messages.
    given : tuple of str
        What the positional arguments are, such as ("model", "x", "spec").
    params : mapping, optional
        The config's "params"; None: the function gets none.

    Raises
    ------
    OptionError
        "/script: …: predict(model) must take (model, x, spec)", or
        "/params/hiden: get_model(spec, hidden=64) has no argument 'hiden', did you mean 'hidden'?".
    """
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # made in C without a signature
        return
    arguments = list(signature.parameters.values())
    name = getattr(function, "__name__", type(function).__name__)
    shown = f"{name}{signature}"
    if not any(one.kind is inspect.Parameter.VAR_POSITIONAL for one in arguments):
        if sum(one.kind in _TAKES_POSITION for one in arguments) < len(given):
            raise OptionError("/script", f"{where}: {shown} must take ({', '.join(given)})")
    rest = [one for one in arguments if one.kind in _TAKES_NAME]
    taken = {one.name for one in [one for one in arguments if one.kind in _TAKES_POSITION][: len(given)]}
    free = [one for one in rest if one.name not in taken]
    needed = [one.name for one in free if one.default is inspect.Parameter.empty and one.name not in (params or {})]
    if needed and params is None:
        raise OptionError("/script", f"{where}: {shown} is called with ({', '.join(given)}) only")
    if needed:
        raise OptionError("/params", f"{where}: {shown} needs '{needed[0]}', which params does not give")
    if any(one.kind is inspect.Parameter.VAR_KEYWORD for one in arguments):
        free_names = set(params or {}) - taken
    else:
        free_names = {one.name for one in free}
    for key in params or {}:
        if key not in free_names:
            hint = suggestion(key, (one.name for one in free))
            raise OptionError(pointer_to("params", key), f"{where}: {shown} has no argument '{key}'{hint}")
