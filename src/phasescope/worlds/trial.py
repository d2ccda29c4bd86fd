"""Trying out a user's own world on a few labels: each method must do what `World` and `Reader` say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from phasescope.core.arithmetic import own_arithmetic
from phasescope.core.errors import UserError, as_user_error
from phasescope.core.factors import Factors, not_a_word
from phasescope.core.randomness import numpy_generator
from phasescope.core.sources import failing
from phasescope.worlds.base import Outcome, Reader, World

if TYPE_CHECKING:
    from torch import Tensor

FEW = 4
"""labels with which a world is tried out"""
MANY = 256
"""labels that it draws, which must all lie in its factors' ranges"""


@own_arithmetic()
def check_world(world: World) -> None:
    """Try out a user's own world on a few labels.

    Raises:
        UserError: a method violates the interface of `World` or `Reader`; names the first fault by class and method.
        SourceFailed: a method raises an exception.
    """
    with failing(f"`{type(world).__name__}` must render and read {FEW} labels"):
        _check_fields(world)
        training = _check_labels(world)
        images = _check_render(world, training)

        reader = world.reader()
        if reader is not None:
            check_reader(reader, world, images.numpy(), world.factors.visible_columns(_few(training)))


def _check_fields(world: World) -> None:
    factors, shape = world.factors, world.shape
    known = isinstance(factors, Factors) and len(factors) > 0
    _must(known, "be Factors, one at least", owner=world, method="factors", value=factors)

    wrong = not_a_word(factors.names)
    rule = "have words as names: letters, digits, _ and spaces"
    _must(wrong is None, rule, owner=world, method="factors", value=wrong)

    fits = isinstance(shape, tuple) and len(shape) > 1 and all(isinstance(n, int) and n > 0 for n in shape)
    _must(fits, "be (C, *spatial), whole numbers from 1", owner=world, method="shape", value=shape)


def _check_labels(world: World) -> Float[np.ndarray, "M K"]:
    """Return the training labels, after all methods that return labels have been tried out."""
    training = world.training_labels()
    _check_form(training, world, "training_labels")

    drawn = world.draw_labels(FEW, numpy_generator(0, "labels drawn twice"))
    again = world.draw_labels(FEW, numpy_generator(0, "labels drawn twice"))
    _check_form(drawn, world, "draw_labels", count=FEW)
    rule = "draw with the given generator alone"
    _must(np.array_equal(drawn, again), rule, owner=world, method="draw_labels", value=again)
    _check_form(world.draw_labels(MANY, numpy_generator(0, "many labels drawn")), world, "draw_labels")

    generator = numpy_generator(0, "world tried out")
    for name, split in world.splits().items():
        _check_form(split(FEW, generator), world, f"splits()[{name!r}]")
    return training


def _check_form(labels: Any, world: World, method: str, count: int | None = None) -> None:
    """Raise UserError if what a method returned are no labels of the world, `count` of them if it was asked for so many."""
    K = len(world.factors)
    fits = isinstance(labels, np.ndarray) and labels.dtype == np.float32
    fits = fits and labels.shape[1:] == (K,) and len(labels) > 0 and bool(np.isfinite(labels).all())
    _must(fits, f"return finite labels (n, {K}), float32", owner=world, method=method, value=labels)

    rule = f"return {count} labels if it is asked for them"
    _must(count in (None, len(labels)), rule, owner=world, method=method, value=labels)
    with as_user_error(f"`{type(world).__name__}.{method}` must return labels of the world: "):
        world.factors.check(labels)


def _few(training: Float[np.ndarray, "M K"]) -> Float[np.ndarray, "few K"]:
    return training[np.linspace(0, len(training) - 1, FEW).astype(int)]


def _check_render(world: World, training: Float[np.ndarray, "M K"]) -> Tensor:
    """Return images of a few training labels, after they have been rendered twice and by themselves."""
    import torch

    labels = torch.from_numpy(_few(training))
    given = labels.clone()
    images, again = world.render(given), world.render(labels.clone())
    rule = "leave its labels as they are"
    _must(torch.equal(given, labels), rule, owner=world, method="render", value=given)
    dtype = torch.get_default_dtype()
    rule = "leave torch's default dtype as it is"
    _must(dtype == torch.float32, rule, owner=world, method="render", value=dtype)

    # What rendering changes in the world itself shows in its labels.
    training_again = world.training_labels()
    rule = "return the same when it is called again"
    same = np.array_equal(training, training_again)
    _must(same, rule, owner=world, method="training_labels", value=training_again)

    fits = isinstance(images, torch.Tensor) and tuple(images.shape) == (FEW, *world.shape)
    fits = fits and images.dtype == torch.float32 and not images.requires_grad
    rule = f"return a float32 tensor of shape {(FEW, *world.shape)} without a gradient"
    _must(fits, rule, owner=world, method="render", value=images)
    largest = float(images.abs().max())
    _must(largest <= 1 + 1e-3, "return numbers in [-1, 1]", owner=world, method="render", value=largest)

    # A resumed run must see the same images as an uninterrupted one.
    rule = "return the same when it is called again"
    _must(torch.equal(images, again), rule, owner=world, method="render", value=again)
    alone = torch.cat([world.render(label[None].clone()) for label in labels])
    rule = "return the same image of a label, whatever is rendered beside it"
    _must(torch.allclose(images, alone, atol=1e-4), rule, owner=world, method="render", value=alone)
    return images


def check_reader(reader: Any, world: World, images: np.ndarray, labels: Float[np.ndarray, "n K"]) -> None:
    """Raise UserError unless a reader reads images of these visible labels as `Reader` says."""
    _must(isinstance(reader, Reader), "return a Reader, or None", owner=world, method="reader", value=reader)

    outcomes, n = getattr(reader, "outcomes", ()), len(images)
    fits = len(outcomes) > 0 and all(
        isinstance(outcome, Outcome)
        and outcome.phase in ("A", "B", "C", "")
        and re.fullmatch("#[0-9a-fA-F]{6}", outcome.colour)
        for outcome in outcomes
    )
    rule = "be Outcomes, one at least, each with a phase, A, B, C or empty, and a colour, #rrggbb"
    _must(fits, rule, owner=reader, method="outcomes", value=outcomes)

    columns = reader.read(images)
    fits = isinstance(columns, Mapping) and all(np.shape(column) == (n,) for column in columns.values())
    rule = f"return columns by name, ({n},) each for {n} images"
    _must(fits, rule, owner=reader, method="read", value=columns)

    errors, correct = reader.errors(columns, labels), reader.correct(columns, labels)
    shape = np.shape(labels)
    rule = f"return numbers of shape {shape} for {n} images, one for each factor"
    _must(np.shape(errors) == shape, rule, owner=reader, method="errors", value=errors)
    fits = np.shape(correct) == shape and np.asarray(correct).dtype == bool
    rule = f"return booleans of shape {shape} for {n} images, one for each factor"
    _must(fits, rule, owner=reader, method="correct", value=correct)

    names, turned_out = [outcome.name for outcome in outcomes], reader.outcome(columns, labels)
    fits = np.shape(turned_out) == (n,) and {*map(str, turned_out)} <= {*names}
    rule = f"return for each of {n} images one of {', '.join(names)}"
    _must(fits, rule, owner=reader, method="outcome", value=turned_out)


def _must(holds: bool, rule: str, *, owner: Any, method: str, value: Any) -> None:
    """Raise UserError that a method must follow a rule, unless it holds; `value` is what the method returned."""
    if holds:
        return
    shown = " ".join(repr(value)[:80].split())
    if hasattr(value, "dtype"):
        shown = f"{value.dtype} of shape {tuple(value.shape)}"
    raise UserError(f"`{type(owner).__name__}.{method}` (={shown}) must {rule}")
