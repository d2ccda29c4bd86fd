"""What the stored weights of a run generate by three samplers, at the middle snapshot of each phase of the samples."""

from functools import partial

import numpy as np

from phasescope.measures import behaviour_phase
from phasescope.studies import Number, Runs, load_network, reads, torch_generator
from phasescope.studies.readings.middle_snapshots import in_phase, middles
from phasescope.studies.readings.phases import PHASE
from studies.designs.phases import OUTCOMES

SAMPLERS = {"solver": ("dpm_solver", 12), "ddim": ("ddim", 50), "ancestral": ("ddpm", 1000)}
PHASE_OF = dict(zip(OUTCOMES, "AAABC", strict=True))
SAMPLES = 64  # labels on the grid, the same for each sampler


def read_samplers(run) -> list[dict]:
    """Return the shares of outcomes by each sampler, at the middle snapshot of each phase."""
    import torch

    rows = []
    for letter, snapshot in middles(run).items():
        row: dict = {"step": snapshot.step, "phase": letter}
        loaded = load_network(run, snapshot)
        world = loaded.config.world
        labels, reader = world.splits()["grid"](SAMPLES, np.random.default_rng(0)), world.reader()
        for name, (kind, steps) in SAMPLERS.items():
            family = loaded.config.family.with_sampler(kind, steps).build()
            generator = torch_generator(0, "sampler's share")
            with torch.no_grad():
                images = family.sample(loaded.network, torch.from_numpy(labels), world.shape, generator)
            outcomes = reader.outcome(reader.read(images.numpy()), labels)
            row |= {f"{name}.{outcome}": float(np.mean(outcomes == outcome)) for outcome in OUTCOMES}
        rows.append(row)
    return rows


def columns_of(sampler: str) -> list[str]:
    """Return the columns of the outcomes' shares by a sampler."""
    return [f"sampler.{sampler}.{outcome}" for outcome in OUTCOMES]


def shares(runs: Runs, sampler: str, letter: str) -> dict[str, np.ndarray]:
    """Return the share of each outcome by a sampler in a phase, (n,)."""
    columns = zip(OUTCOMES, columns_of(sampler), strict=True)
    return {outcome: in_phase(column, letter)(runs) for outcome, column in columns}


@reads(PHASE, *columns_of("ancestral"))
def passes_ancestrally(runs: Runs) -> np.ndarray:
    """Return whether ancestral sampling, too, is in A, B and C at the snapshots at which DPM-Solver is, (n,)."""
    passes = np.ones(len(runs), dtype=bool)
    for letter in "ABC":
        table = np.column_stack(list(shares(runs, "ancestral", letter).values()))
        for row, values in enumerate(table):
            known = values.sum() > 0  # no number if the run is never in this phase
            of_run = dict(zip(OUTCOMES, values / (values.sum() or 1), strict=True))
            passes[row] &= known and behaviour_phase(of_run, SAMPLES, PHASE_OF) == letter
    return passes


@reads(PHASE, *columns_of("ancestral"))
def shapeless_ancestrally(runs: Runs) -> np.ndarray:
    """Return the share of no bump or several among samples without one good bump, in phase A, (n,)."""
    none, several, malformed, *_ = shares(runs, "ancestral", "A").values()
    with np.errstate(invalid="ignore"):
        return (none + several) / (none + several + malformed)


def difference(letter: str, outcome: str) -> Number:
    """Number: an outcome's share by DPM-Solver minus that by ancestral sampling, at the phase's snapshot."""
    return partial(_difference, letter=letter, outcome=outcome)


@reads(PHASE, *columns_of("solver"), *columns_of("ancestral"))
def _difference(runs: Runs, letter: str, outcome: str) -> np.ndarray:
    solver, ancestral = shares(runs, "solver", letter), shares(runs, "ancestral", letter)
    return solver[outcome] - ancestral[outcome]
