"""A stand-in for the compiler's back end."""

import pytest
import torch


@pytest.fixture
def traced(monkeypatch):
    """`torch.compile` traces the whole, or fails, and generates no code: seconds, not minutes; gives the traces."""
    real, traces = torch.compile, []

    def backend(graph, inputs):
        from torch._dynamo.backends.debugging import aot_eager

        traces.append(graph)
        return aot_eager(graph, inputs)

    monkeypatch.setattr(
        torch, "compile", lambda function, **_: real(function, backend=backend, fullgraph=True, dynamic=False)
    )
    yield traces
    torch._dynamo.reset()
