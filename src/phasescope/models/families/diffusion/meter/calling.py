"""Calling a model in the middle of its training, and leaving everything as it was.

Each module that takes part, wherever the model has it from, is put in evaluation mode for the reading and back; torch's
global generators, the gradient mode and the modules' buffers are those of before. A reading is therefore the same twice,
and training with readings has bitwise the weights of training without.
"""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_pre_hook
from torch.nn.parameter import is_lazy

from phasescope.core.errors import UserError, log_once
from phasescope.models.families.diffusion.meter.conditions import Conditions, map_tensors
from phasescope.models.families.diffusion.meter.draws import Draws

Model = Callable[[Tensor, Tensor, Any], Any]
"""``model(x_t, t, condition)``"""


def modules_of(model: Any) -> list[nn.Module]:
    """Return the modules that a callable is, is bound to, or refers to: itself, the arguments of a partial, the object of
    a method, what a function or lambda closes over or names."""
    modules: dict[int, nn.Module] = {}

    def visit(thing: Any, deep: bool) -> None:
        # Only what the callable itself names is looked into: a helper's own globals may hold any network.
        if isinstance(thing, nn.Module):
            modules[id(thing)] = thing

        elif isinstance(thing, functools.partial):
            for part in (thing.func, *thing.args, *thing.keywords.values()):
                visit(part, deep)
        elif inspect.ismethod(thing):
            visit(thing.__self__, deep=False)
            visit(thing.__func__, deep)

        elif inspect.isfunction(thing) and deep:
            closed = inspect.getclosurevars(thing)
            for part in (*closed.nonlocals.values(), *closed.globals.values()):
                visit(part, deep=False)
        elif not isinstance(thing, type) and hasattr(thing, "__dict__") and not inspect.ismodule(thing):
            for part in vars(thing).values():
                if isinstance(part, nn.Module):
                    modules[id(part)] = part

    visit(model, deep=True)
    return list(modules.values())


@contextmanager
def evaluated(roots: Sequence[nn.Module]) -> Iterator[None]:
    """Put modules in evaluation mode within the block, and their modes and buffers back after it.

    These are `roots` with their parts, and each module that is called meanwhile: a model may have it from a dict, from
    another function or from any object, where no search would find it.
    """
    before: dict[nn.Module, tuple[bool, dict[str, Tensor | None], dict[str, Tensor]]] = {}

    def keep(root: nn.Module) -> None:
        for module in root.modules():
            if module not in before:
                buffers = dict(module._buffers)
                values = {
                    name: buffer.clone()
                    for name, buffer in buffers.items()
                    if buffer is not None and not is_lazy(buffer)
                }
                before[module] = module.training, buffers, values

    def evaluate(module: nn.Module, _: Any) -> None:
        # Within a compiled graph nothing may be done, nor need be: its network was called as a whole before.
        if torch.compiler.is_compiling():
            return
        if module not in before:
            keep(module)
            module.eval()
        module.training = False

    for root in roots:
        keep(root)
        root.eval()
    handle = register_module_forward_pre_hook(evaluate)
    try:
        with warnings.catch_warnings():
            # That it is also called for the module that compiles, which is meant.
            warnings.filterwarnings("ignore", "Using `torch.compile")
            yield
    finally:
        handle.remove()
        for module, (training, buffers, values) in before.items():
            module.training = training
            module._buffers.update(buffers)
            for name, value in values.items():
                buffer = buffers[name]
                # A graph of the loop may need them: what has not changed is not written.
                if buffer is not None and not torch.equal(buffer, value):
                    buffer.copy_(value)


def device_of(modules: list[nn.Module]) -> torch.device:
    """Return the device of the first parameter; the CPU if there is none."""
    parameters = (parameter for module in modules for parameter in module.parameters())
    return next((parameter.device for parameter in parameters), torch.device("cpu"))


def precision_of(modules: list[nn.Module]) -> torch.dtype:
    """Return the floating type of the first parameter; that of torch's default if there is none."""
    parameters = (parameter for module in modules for parameter in module.parameters())
    return next((p.dtype for p in parameters if p.is_floating_point()), torch.float32)


class Caller:
    """A model in the middle of its training, asked for answers.

    Args:
        batch: images that it is given at once; halved where they do not fit a GPU's memory, and kept so.
    """

    def __init__(self, model: Model, batch: int) -> None:
        self.model, self.batch = model, batch
        self.modules = modules_of(model)
        self.device, self.dtype = device_of(self.modules), precision_of(self.modules)

    @contextmanager
    def untouched(self) -> Iterator[None]:
        """Evaluate within the block, and put back generators and modes."""
        gpu = [self.device] if self.device.type == "cuda" else []
        with torch.random.fork_rng(devices=gpu), torch.no_grad():
            # The same dropout, if a model keeps it in evaluation, at each reading.
            torch.default_generator.manual_seed(0)
            if gpu:
                torch.cuda.manual_seed(0)

            with evaluated(self.modules):
                yield

    def answers(self, x_t: Tensor, t: Tensor, condition: Conditions) -> Tensor:
        """Return the model's answers in float64 on the CPU, (n, *shape).

        Raises:
            UserError: an answer is not a tensor of the shape of `x_t`.
        """
        parts: list[Tensor] = []
        begin = 0
        while begin < len(x_t):
            rows = slice(begin, begin + self.batch)
            try:
                answer = self._answer(x_t[rows], t[rows], rows_of(condition, rows))
            except torch.OutOfMemoryError:
                if self.batch == 1:
                    raise
                self.batch //= 2
                torch.cuda.empty_cache()
                log_once(f"the meter reads in batches of {self.batch}: more do not fit the GPU's memory")
                continue

            parts.append(answer.detach().double().cpu())
            begin = rows.stop
        return torch.cat(parts)

    def mean_gradient(self, drawn: Draws, force: Tensor, rows: np.ndarray) -> Tensor:
        """Return the gradient of the mean over some rows of <answer, force>, in float64 on the CPU, (parameters,).

        It is by all parameters that are trained; of a model without any, as an average of weights, by all. No `.grad` is
        changed.

        Args:
            force: what the answers are multiplied by, (n, *shape).

        Raises:
            UserError: the answers have no derivative by the parameters.
        """
        parameters = self._trained_parameters()
        total = torch.zeros(sum(parameter.numel() for parameter in parameters), dtype=torch.float64)

        with requiring_gradients(parameters), torch.enable_grad():
            for begin in range(0, len(rows), self.batch):
                part = torch.from_numpy(rows[begin : begin + self.batch])
                answer = self._answer(drawn.x_t[part], drawn.levels.time[part], rows_of(drawn.own, part))
                if not answer.requires_grad:
                    raise UserError(
                        "`label_gradient` needs answers with a derivative by the parameters of the model: call the module "
                        "itself, without torch.no_grad() or .detach()"
                    )

                product = (answer * force[part].to(answer.device, answer.dtype)).sum()
                given = torch.autograd.grad(product, parameters, allow_unused=True)
                total += torch.cat(
                    [
                        (torch.zeros_like(parameter) if gradient is None else gradient)
                        .flatten()
                        .double()
                        .cpu()
                        for parameter, gradient in zip(parameters, given, strict=True)
                    ]
                )
        return total / len(rows)

    def _trained_parameters(self) -> list[nn.Parameter]:
        every = {id(p): p for module in self.modules for p in module.parameters() if p.is_floating_point()}
        if not every:
            raise UserError(
                "`label_gradient` needs a model with parameters: a module, or a function that names one"
            )
        return [p for p in every.values() if p.requires_grad] or list(every.values())

    def _answer(self, x_t: Tensor, t: Tensor, condition: Conditions) -> Tensor:
        """Return the model's answer to one batch as it gives it; UserError if it is no tensor of the shape of `x_t`."""
        given = map_tensors(condition, self._to_model)
        return checked(self.model(x_t.to(self.device, self.dtype), self._to_model(t), given), x_t)

    def _to_model(self, tensor: Tensor) -> Tensor:
        """Return a tensor on the model's device; floating numbers in its precision, classes and tokens as they are."""
        return tensor.to(self.device, self.dtype) if tensor.is_floating_point() else tensor.to(self.device)


def checked(answer: Any, x_t: Tensor) -> Tensor:
    """Return an answer; UserError if it is no floating tensor of the shape of `x_t`."""
    if not isinstance(answer, Tensor):
        raise UserError(
            f"`model` must answer a tensor, not {type(answer).__name__}: "
            "return `.sample` of diffusers' models, as in lambda x_t, t, c: unet(x_t, t, c).sample"
        )
    if answer.shape != x_t.shape:
        raise UserError(
            f"`model` must answer the shape of x_t, {tuple(x_t.shape)}, not {tuple(answer.shape)}"
        )
    if not answer.is_floating_point():
        raise UserError(f"`model` must answer floating numbers, not {answer.dtype}")
    return answer


def rows_of(condition: Conditions, rows: slice | Tensor) -> Conditions:
    """Return some rows of a condition."""
    return map_tensors(condition, lambda tensor: tensor[rows])


@contextmanager
def requiring_gradients(parameters: Sequence[nn.Parameter]) -> Iterator[None]:
    """Let parameters have gradients within the block."""
    before = [parameter.requires_grad for parameter in parameters]
    try:
        for parameter in parameters:
            parameter.requires_grad_(True)
        yield
    finally:
        for parameter, required in zip(parameters, before, strict=True):
            parameter.requires_grad_(required)
