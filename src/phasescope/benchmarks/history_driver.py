"""Times a training step and a snapshot of whichever phasescope is first on the path; run as a script, by `history`.

It names only what all commits have in common. Lines of JSON come in and go out, the first of them says what is trained:

    {"source": "/tree/src", "folder": "/tmp/run", "words": ["preset=small"], "warmup": 10}
                                     ->  {"facts": {"parameters", "batch", "loss"}}
    {"threads": 2, "steps": 20}      ->  {"seconds": 0.61}
    {"threads": 2, "snapshot": true} ->  {"seconds": 4.2}

`loss` is that of the last warm-up step: where two commits agree in it they compute the same. What breaks answers
{"missing": reason}.
"""

from __future__ import annotations

import itertools
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


def serve() -> None:
    """Answer on standard output what is asked on standard input, until it ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def answer(**content: Any) -> None:
        answers.write(json.dumps(content) + "\n")
        answers.flush()

    try:
        asked = json.loads(sys.stdin.readline())
        with ready(**asked) as (facts, advance, record):
            answer(facts=facts)
            for line in sys.stdin:
                request = json.loads(line)
                use_threads(request["threads"])
                began = time.perf_counter()
                record() if request.get("snapshot") else advance(request["steps"])
                answer(seconds=time.perf_counter() - began)
    except Exception as error:
        answer(missing=" ".join(f"{type(error).__name__}: {error}".split())[:300])


@contextmanager
def ready(
    source: str, folder: str, words: list[str], warmup: int
) -> Iterator[tuple[dict[str, Any], Callable[[int], float], Callable[[], Any]]]:
    """Facts, what runs steps (and answers the last one's loss), and what takes a snapshot of a fresh network."""
    import phasescope
    from phasescope.networks.embeddings import label_encoding
    from phasescope.probing.assessment import Observer
    from phasescope.run import load_config
    from phasescope.store.folder import hold
    from phasescope.training.loop import fresh_learner, learn

    if Path(source) not in Path(phasescope.__file__).parents:
        raise ImportError(f"phasescope is that of {phasescope.__file__}, not of {source}")
    config = load_config(words=[*words, "training.steps=1000000000", "training.device=cpu"])
    described = (
        config.network,
        config.world.channels,
        len(config.world.factors),
        config.training,
        config.seed,
    )
    learner, fresh = fresh_learner(*described), fresh_learner(*described)
    losses = learn(learner, config.family.build(), config.world, config.seed)

    def advance(steps: int) -> float:
        return [float(next(losses)) for _ in range(steps)][-1]

    with hold(Path(folder), config.tree()) as held:
        encoding = config.network.embedding
        observer = Observer(
            config.probing,
            config.world,
            config.family.build(),
            config.seed,
            fresh.device,
            encode=lambda labels: label_encoding(labels, encoding.width, encoding.base),
            folder=held,
        )
        network = getattr(fresh.average, "module", fresh.average)
        steps = itertools.count()
        facts = {
            "parameters": sum(parameter.numel() for parameter in learner.network.parameters()),
            "batch": config.training.batch,
            "loss": advance(warmup),
        }
        observer.record(network, next(steps))
        yield facts, advance, lambda: observer.record(network, next(steps))


def use_threads(threads: int) -> None:
    import torch

    torch.set_num_threads(threads)


if __name__ == "__main__":
    serve()
