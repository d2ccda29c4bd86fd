"""A GPU that is not there: tensors on it are CPU tensors, marked; what a GPU would be waited for is listed.

Code sees `x.is_cuda`, `x.device` and `torch.Generator(device="cuda")` as on a GPU, and takes the same branches. Which
tensors are on it is known by their storages: what an operation makes of tensors on the GPU is there, also in a backward
pass, and within operations that torch composes of others.

Of CUDA's rules it has those by which the host waits: reading numbers, shapes that depend on numbers, and copies between host
and GPU, but from pinned memory without blocking.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode, _disable_current_modes
from torch.utils._pytree import tree_leaves

GPU = torch.device("cuda:0")
HOST = torch.device("cpu")

# Their answer is a number of Python, or has a shape that only the numbers tell.
READING = {
    "_local_scalar_dense",
    "equal",
    "masked_select",
    "nonzero",
    "repeat_interleave",
    "unique_consecutive",
    "unique_dim",
    "_unique",
    "_unique2",
}
# Methods that read without an operation of torch's dispatcher, or would go to the host by one.
TO_HOST = {"cpu", "numpy", "tolist", "__array__"}
# Functions that make a tensor of Python's numbers or numpy's.
OF_NUMBERS = {"tensor", "as_tensor", "asarray", "new_tensor", "from_numpy"}
INDEXING = {"index", "index_put_", "_index_put_impl_", "index_put"}


class SimulatedGpu:
    """Within the block tensors can be on a GPU; see `simulated_gpu`.

    Attributes:
        waits: an operation by its name for each time that the host would wait.
        doubles: the sizes of float64 tensors that were computed on the GPU.
    """

    def __init__(self) -> None:
        self.waits: list[str] = []
        self.doubles: list[int] = []
        self._places: dict[int, bool] = {}
        self._pinned: set[int] = set()
        self.sets_number = False
        """whether the operations now are those of `x[index] = number`"""

    def holds(self, x: Tensor) -> bool:
        """Return whether a tensor is on the GPU."""
        return self._places.get(_storage(x), False)

    def put(self, x: Any, on_gpu: bool) -> Any:
        """Say where the tensors in `x` are."""
        for tensor in tree_leaves(x):
            if isinstance(tensor, Tensor):
                self._places[_storage(tensor)] = on_gpu
                self._pinned.discard(_storage(tensor))
        return x

    def pin(self, x: Tensor) -> Tensor:
        self._pinned.add(_storage(x))
        return x

    def copied(self, x: Tensor, on_gpu: bool, non_blocking: bool) -> Tensor:
        """Return a copy of `x` on the GPU or the host; `x` itself if it is there."""
        if self.holds(x) == on_gpu:
            return x
        if not (on_gpu and non_blocking and _storage(x) in self._pinned):
            self.waits.append("copy to the GPU" if on_gpu else "copy to the host")
        return self.put(x.clone(), on_gpu)


def _storage(x: Tensor) -> int:
    return x.untyped_storage()._cdata


class _Functions(TorchFunctionMode):
    """Answers where tensors are, and makes and moves them."""

    def __init__(self, gpu: SimulatedGpu):
        super().__init__()
        self.gpu = gpu

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs, name = dict(kwargs or {}), getattr(function, "__name__", "")
        gpu = self.gpu
        if function == Tensor.is_cuda.__get__:
            return gpu.holds(args[0])
        if function == Tensor.is_cpu.__get__:
            return not gpu.holds(args[0])
        if function == Tensor.device.__get__:
            return GPU if gpu.holds(args[0]) else HOST
        if name in ("to", "cuda") and args and isinstance(args[0], Tensor):
            return self._moved(name, args, kwargs)
        if name in TO_HOST and gpu.holds(args[0]):
            if name == "cpu":
                return gpu.copied(args[0], on_gpu=False, non_blocking=False)
            gpu.waits.append(name)
        if name == "pin_memory":
            return gpu.pin(gpu.put(args[0].clone(), False))
        if name == "one_hot":
            return self._one_hot(function, args, kwargs)
        if name == "__setitem__" and not isinstance(args[2], Tensor):
            return self._filled(function, args)
        return self._made(function, name, args, kwargs)

    def _moved(self, name: str, args: tuple, kwargs: dict) -> Tensor:
        """Return `x.to(device, dtype, non_blocking)` or its other forms, or `x.cuda()`."""
        gpu, x = self.gpu, args[0]
        on_gpu, dtype = name == "cuda" or gpu.holds(x), kwargs.get("dtype")
        non_blocking = kwargs.get("non_blocking", False)

        for value in (*args[1:], kwargs.get("device"), kwargs.get("other")):
            if isinstance(value, torch.device | str):
                on_gpu = torch.device(value).type == "cuda"
            elif isinstance(value, torch.dtype):
                dtype = value
            elif isinstance(value, Tensor):
                on_gpu, dtype = gpu.holds(value), value.dtype
            elif value is True:
                non_blocking = True

        moved = gpu.copied(x, on_gpu, non_blocking)
        layout = kwargs.get("memory_format", torch.preserve_format)
        return moved.to(dtype or moved.dtype, memory_format=layout, copy=kwargs.get("copy", False))

    def _filled(self, function: Callable, args: tuple) -> None:
        """`x[index] = number`: a GPU is given the number with its kernel, while torch copies it on a CPU."""
        self.gpu.sets_number = True
        try:
            function(*args)
        finally:
            self.gpu.sets_number = False

    def _one_hot(self, function: Callable, args: tuple, kwargs: dict) -> Tensor:
        """One-hot vectors: given the number of classes, torch asks a CPU, not a GPU, whether all places are among them."""
        gpu, on_gpu = self.gpu, self.gpu.holds(args[0])
        if on_gpu and len(args) == 1 and "num_classes" not in kwargs:
            gpu.waits.append("one_hot")
        with _disable_current_modes():
            made = function(*args, **kwargs)
        return gpu.put(made, on_gpu)

    def _made(self, function: Callable, name: str, args: tuple, kwargs: dict) -> Any:
        """The answer of any other function, which may be asked to make a tensor on the GPU."""
        gpu, asked = self.gpu, kwargs.get("device")
        on_gpu = asked is not None and torch.device(asked).type == "cuda"
        if name == "new_tensor":
            on_gpu = gpu.holds(args[0]) if asked is None else on_gpu
        if asked is not None:
            kwargs["device"] = HOST
        pin = kwargs.pop("pin_memory", False)

        made = function(*args, **kwargs)
        is_copied = name in OF_NUMBERS and not isinstance(args[-1], Tensor)
        if is_copied and on_gpu:
            gpu.waits.append(name)
        if asked is not None or (name == "new_tensor" and on_gpu):
            gpu.put(made, on_gpu)
        if pin:
            gpu.pin(made)
        return made


class _Operations(TorchDispatchMode):
    """Passes on where tensors are, and lists the operations that wait."""

    def __init__(self, gpu: SimulatedGpu):
        super().__init__()
        self.gpu = gpu

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        kwargs, gpu = kwargs or {}, self.gpu
        name = function._opname if hasattr(function, "_opname") else function.__name__.partition(".")[0]
        with torch._C.DisableTorchFunction():
            given = [x for x in tree_leaves((args, kwargs)) if isinstance(x, Tensor)]
            if name == "lift_fresh":
                return gpu.put(function(*args, **kwargs), False)
            on_gpu = [x for x in given if gpu.holds(x)]
            if on_gpu:
                self._check(name, args, given)

            before = {_storage(x) for x in given}
            made = function(*args, **kwargs)
            for x in tree_leaves(made):
                if isinstance(x, Tensor):
                    if _storage(x) not in before:
                        gpu.put(x, bool(on_gpu))
                    if on_gpu and x.dtype == torch.float64:
                        gpu.doubles.append(x.numel())
            return made

    def _check(self, name: str, args: tuple, given: list[Tensor]) -> None:
        gpu = self.gpu
        # A number of the host goes with the kernel; an array of it cannot.
        apart = [x for x in given if not gpu.holds(x) and (x.ndim or name == "copy_")]
        masks = name in INDEXING and any(
            x.dtype in (torch.bool, torch.uint8) for x in tree_leaves(args[1]) if isinstance(x, Tensor)
        )
        if name in READING or (masks and not gpu.sets_number):
            gpu.waits.append(name)
        elif apart and name == "copy_":
            is_given_with_the_kernel = gpu.sets_number and not args[1].ndim
            is_pinned = len(args) > 2 and args[2] and _storage(args[1]) in gpu._pinned
            if not (is_given_with_the_kernel or is_pinned):
                gpu.waits.append(name)
        elif apart and name in INDEXING:
            gpu.waits.append(name)
        elif apart:
            raise RuntimeError(
                f"{name}: expected all tensors to be on the same device, but found cuda:0 and cpu"
            )


class _Generator(torch.Generator):
    """A generator of the CPU that says that it is where it was asked to be."""

    def __new__(cls, device: torch.device | str = "cpu") -> _Generator:
        made = super().__new__(cls)
        made.place = torch.device(device)
        return made

    @property
    def device(self) -> torch.device:
        return self.place


@contextlib.contextmanager
def simulated_gpu() -> Iterator[SimulatedGpu]:
    """Within the block there is a GPU, `cuda:0`; yield what it knows. Streams and autocasts of it are the CPU's."""
    gpu, autocast = SimulatedGpu(), torch.autocast

    def autocast_there(kind: str, *args: Any, **kwargs: Any) -> torch.autocast:
        return autocast("cpu", *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "Generator", _Generator)
        patch.setattr(torch, "autocast", autocast_there)
        patch.setattr(torch.cuda, "device_count", lambda: 1)
        patch.setattr(torch.cuda, "device", contextlib.nullcontext)
        patch.setattr(torch.cuda, "get_rng_state", lambda device=None: None)
        patch.setattr(torch.cuda, "set_rng_state", lambda state, device=None: None)
        patch.setattr(torch.cuda, "manual_seed", lambda seed: None)
        with _Operations(gpu), _Functions(gpu):
            yield gpu
