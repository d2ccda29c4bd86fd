"""Checks of what users give a measure: integers by the decorator `with_counts`, arrays by `real_array`.

An error is one line with the argument, its value and the rule.
"""

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import numpy as np
from jaxtyping import Float

# float64 holds every integer up to this one.
MOST_EXACT = 2**53
P = ParamSpec("P")
R = TypeVar("R")
# The least that each integer argument of a measure may be, and why.
LEAST = {
    "bins": (2, "one bin separates nothing"),
    "dimensions": (2, "scores compare dimensions"),
    "draws": (20, "a 95 % interval leaves out one of 20"),
    "epochs": (1, "UMAP's optimisation takes steps"),
    "features": (1, "an activation has some"),
    "folds": (2, "each row is predicted by a fit to others"),
    "k": (1, "a neighbourhood has a neighbour"),
    "n": (1, "nothing can be read of none"),
    "neighbours": (1, "a neighbourhood has a neighbour"),
    "permutations": (1, "a score needs its baseline"),
    "resamples": (20, "a 95 % interval leaves out one of 20"),
    "seed": (0, "randomness derives from it"),
}


def with_counts(**least: int) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Return a decorator that checks every argument of a function that its signature declares as an integer.

    Only `int` counts: what may also be None or an array is checked by the measure itself.

    Args:
        least: the least value of an argument, instead of that of `LEAST`.

    Raises:
        TypeError: `LEAST` lacks an integer argument and the reason for its least value; `least` names another argument.
    """

    def decorator(measure: Callable[P, R]) -> Callable[P, R]:
        signature = inspect.signature(measure)
        # Annotations are texts in modules that postpone them.
        counts = [name for name, p in signature.parameters.items() if p.annotation in (int, "int")]
        for name in counts:
            if name not in LEAST:
                raise TypeError(f"`{name}` must be in `LEAST`, with the reason for its least value")
        for name in least:
            if name not in counts:
                raise TypeError(
                    f"`{name}` (={least[name]}) must be an integer argument of `{measure.__name__}`"
                )

        @wraps(measure)
        def checked(*args: P.args, **kwargs: P.kwargs) -> R:
            given = dict(zip(signature.parameters, args, strict=False)) | kwargs
            for name in counts:
                if name in given:
                    check_count(name, given[name], least.get(name))
            return measure(*args, **kwargs)

        return checked

    return decorator


def check_count(name: str, value: Any, at_least: int | None = None) -> None:
    """Raise ValueError unless `value` is an integer of at least `at_least`, or by default of what `LEAST` says."""
    usual, why = LEAST[name]
    check_integer(name, value, usual if at_least is None else at_least, why)


def check_integer(name: str, value: Any, least: int, why: str) -> None:
    """Raise ValueError unless `value` is an integer of at least `least`, for the reason `why`."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise ValueError(f"`{name}` ({_shown(value)}) must be an integer of at least {least}: {why}")


def check_is(name: str, value: object, wanted: type, source: str) -> None:
    """Raise ValueError unless `value` is of the class `wanted`, which `source` returns."""
    if not isinstance(value, wanted):
        raise ValueError(f"`{name}` ({_shown(value)}) must be a {wanted.__name__}, as {source} returns")


def _shown(value: object) -> str:
    """Return a value for an error's brackets, in one short line."""
    if isinstance(value, np.ndarray):
        return f"of {type(value).__name__}"
    plain = value.item() if isinstance(value, np.generic) else value
    return f"={' '.join(repr(plain).split())[:60]}"


def check_unmasked(name: str, values: Any) -> None:
    """Raise ValueError if a mask hides entries, which numpy's functions would use all the same."""
    if isinstance(values, np.ma.MaskedArray) and (hidden := np.ma.count_masked(values)):
        raise ValueError(
            f"`{name}` ({hidden} of {values.size} masked) must have no mask: leave these rows out"
        )


def real_array(name: str, values: Any) -> Float[np.ndarray, "*shape"]:
    """Return values as float64.

    Raises:
        ValueError: they are no array of real numbers; entries are masked; there are integers that float64 does not hold, so
            that different ones would become equal.
    """
    check_unmasked(name, values)
    try:
        given = np.asarray(values)
        x = np.asarray(given, dtype=float) if given.dtype.kind in "biufO" else None
    # RuntimeError: a tensor with a gradient; OverflowError: an integer that is no float.
    except (TypeError, ValueError, RuntimeError, OverflowError) as error:
        reason = " ".join(str(error).split())
        raise ValueError(
            f"`{name}` (of {type(values).__name__}) must be an array of numbers: {reason}"
        ) from None
    if x is None:
        raise ValueError(f"`{name}` (of {given.dtype}) must hold real numbers")

    if given.dtype.kind in "iuO":
        large = np.abs(x) >= MOST_EXACT
        # Python compares an integer with a float exactly; numpy would round the integer first.
        for integer, number in zip(given[large].tolist(), x[large].tolist(), strict=True):
            if integer != number:
                raise ValueError(
                    f"`{name}` (={integer}) must be exact in float64, or different ones become equal: subtract their minimum"
                )
    return x
