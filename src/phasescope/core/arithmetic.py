"""Torch's settings while phasescope computes: always the same ones, and afterwards again those of the process.

A notebook may have set another default dtype, coarser float32 products, autocast, deterministic algorithms or no gradients.
The same configuration would then train to other weights under the same identity. So whatever of ours runs a network does it
within `own_arithmetic`.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

CUBLAS = "CUBLAS_WORKSPACE_CONFIG"
# float32 products of these precisions are rounded as IEEE 754 says.
FULL = ("none", "ieee")
_OF_THREAD = threading.local()


@dataclass(frozen=True, eq=False)
class Block:
    """What a running block asks of the process."""

    on_gpu: bool
    tf32: bool


# Settings of the process are shared by its threads, so they are those that all running blocks need: the first one keeps what
# there was before, the last one puts it back.
_LOCK = threading.Lock()
_RUNNING: list[Block] = []
_BEFORE = ExitStack()


@contextmanager
def own_arithmetic(device: torch.device | str = "cpu", tf32: bool = False) -> Iterator[None]:
    """Compute with torch's default settings within the block, and on a GPU with deterministic algorithms.

    Inside another such block of the same thread it changes nothing: the outer one's settings hold. Blocks of several threads
    share the process's settings: algorithms are deterministic while one of them is on a GPU, and products are rounded to
    10-bit mantissas only if all that are on a GPU ask for it.

    Args:
        device: on which the block computes.
        tf32: whether a GPU rounds products to 10-bit mantissas.
    """
    import torch

    if getattr(_OF_THREAD, "within", False):
        yield
        return

    device = torch.device(device)
    _OF_THREAD.within = True
    try:
        with ExitStack() as of_thread:
            block = Block(device.type == "cuda", tf32)
            _enter_process(block)
            of_thread.callback(_leave_process, block)
            of_thread.enter_context(torch.inference_mode(False))
            for kind in {"cpu", device.type}:
                if torch.is_autocast_enabled(kind):
                    of_thread.enter_context(torch.autocast(kind, enabled=False))
            if torch.get_default_device().type != "cpu":
                of_thread.enter_context(torch.device("cpu"))
            yield
    finally:
        _OF_THREAD.within = False


def _enter_process(block: Block) -> None:
    """Add a block to the running ones, and set what they need; before the first one, keep what there is."""
    with _LOCK:
        if not _RUNNING:
            for keep in (_keep_dtype, _keep_products, _keep_determinism):
                keep(_BEFORE)
        _RUNNING.append(block)
        try:
            _set_process()
        except BaseException:
            _remove(block)
            raise


def _leave_process(block: Block) -> None:
    """Remove a block from the running ones; after the last one, put back what there was before the first."""
    with _LOCK:
        _remove(block)


def _remove(block: Block) -> None:
    _RUNNING.remove(block)
    if _RUNNING:
        _set_process()
    else:
        _BEFORE.close()


def _set_process() -> None:
    """Set what all running blocks need; what is so already is not touched."""
    import torch

    of_gpu = [block for block in _RUNNING if block.on_gpu]
    tf32 = bool(of_gpu) and all(block.tf32 for block in of_gpu)

    if torch.get_default_dtype() != torch.float32:
        torch.set_default_dtype(torch.float32)
    _set_products(on_gpu=bool(of_gpu), tf32=tf32)
    _set_determinism(on_gpu=bool(of_gpu))


def _keep_dtype(before: ExitStack) -> None:
    import torch

    before.callback(torch.set_default_dtype, torch.get_default_dtype())


def _products() -> tuple[str | None, bool | None, list[str]]:
    """Return the precision of float32 products, which torch knows by two interfaces that must not be mixed: of all products
    and of convolutions on a GPU, None if torch refuses to say; and by place."""
    import torch

    backends: Any = torch.backends
    products = _read(torch.get_float32_matmul_precision)
    convolutions = _read(lambda: backends.cudnn.allow_tf32)
    return products, convolutions, [place.fp32_precision for place in _places()]


def _places() -> list[Any]:
    """Return where torch keeps the precision of products: three places of a GPU, three of the CPU."""
    import torch

    backends: Any = torch.backends
    on_gpu = [backends.cuda.matmul, backends.cudnn.conv, backends.cudnn.rnn]
    return [*on_gpu, backends.mkldnn, backends.mkldnn.matmul, backends.mkldnn.conv]


def _keep_products(before: ExitStack) -> None:
    import torch

    kept = _products()
    products, convolutions, precisions = kept

    def put_back() -> None:
        if _products() == kept:
            return
        if products is not None:
            torch.set_float32_matmul_precision(products)
        if convolutions is not None:
            torch.backends.cudnn.allow_tf32 = convolutions
        for place, precision in zip(_places(), precisions, strict=True):
            if place.fp32_precision != precision:
                place.fp32_precision = precision

    before.callback(put_back)


def _set_products(on_gpu: bool, tf32: bool) -> None:
    import torch

    wanted = "high" if tf32 else "highest"
    products, convolutions, precisions = _products()
    if products != wanted:
        torch.set_float32_matmul_precision(wanted)
    elif all(precision in FULL for precision in precisions[3:]) and (not on_gpu or convolutions == tf32):
        return

    # Products on the CPU are never rounded; torch's setting of all products would round those, too.
    for place in _places()[3:]:
        if place.fp32_precision not in FULL:
            place.fp32_precision = "ieee"
    if on_gpu:
        torch.backends.cudnn.allow_tf32 = tf32


def _read(setting: Callable[[], Any]) -> Any:
    """Return a setting; None if torch refuses to say, since the process has set it by its other interface."""
    try:
        return setting()
    except RuntimeError:
        return None


def _keep_determinism(before: ExitStack) -> None:
    import torch

    deterministic: Any = torch.utils.deterministic
    fill, benchmark = deterministic.fill_uninitialized_memory, torch.backends.cudnn.benchmark
    before.callback(setattr, deterministic, "fill_uninitialized_memory", fill)
    before.callback(setattr, torch.backends.cudnn, "benchmark", benchmark)
    if CUBLAS not in os.environ:
        before.callback(os.environ.pop, CUBLAS, None)
    before.callback(_set_modes, *_modes())


def _modes() -> tuple[bool, bool]:
    """Return whether algorithms are deterministic, and whether torch only warns of an operation that has none."""
    import torch

    mode = torch.are_deterministic_algorithms_enabled()
    return mode, torch.is_deterministic_algorithms_warn_only_enabled()


def _set_modes(mode: bool, warn_only: bool) -> None:
    import torch

    if _modes() != (mode, warn_only):
        torch.use_deterministic_algorithms(mode, warn_only=warn_only)


def _set_determinism(on_gpu: bool) -> None:
    """While a block is on a GPU, take the algorithms that give the same bits every time; of an operation without one torch
    only warns."""
    import torch

    _set_modes(on_gpu, on_gpu)
    if not on_gpu:
        return

    # cuBLAS gives the same bits each time only with a workspace of a fixed size, which it reads here.
    os.environ.setdefault(CUBLAS, ":4096:8")
    # In deterministic mode torch would first fill every new tensor with NaN, which takes time at each step.
    deterministic: Any = torch.utils.deterministic
    deterministic.fill_uninitialized_memory = False
    torch.backends.cudnn.benchmark = False


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute in one thread within the block: results are then bitwise the same, and as fast, whatever else runs."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
