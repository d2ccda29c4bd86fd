"""Restricting what a study's runs observe to what its claims, plots and tables read.

The columns are what the study's own numbers declare (see `declaring`). Observation is no part of a run's identity, so this
changes cost and records, never what is learned.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from difflib import get_close_matches

from phasescope.core.config import Tree
from phasescope.core.errors import similar
from phasescope.core.kinds import is_reference
from phasescope.measures.columns import COLUMNS, MEASURES, Column, Need
from phasescope.measures.latents.sheet import OF_SHEET
from phasescope.runs.config import RunConfig
from phasescope.runs.probing import columns  # noqa: F401  declares what lines of metrics hold
from phasescope.runs.store.sites import Site

RETIRED = "phase.representation"
"""recorded by earlier versions: a phase by the ridge probe, which reads the label that is added to every block"""
ALIKE = 0.8
"""similarity from which a name is taken for a misspelt one where a user's own code may record others"""


def column_of(name: str) -> Column | None:
    """Return the declared column that a recorded name such as ``probe_r2.mid.600.value`` belongs to; None for your own."""
    head = name.partition(".")[0]
    first = COLUMNS.get(head.partition("_")[0])
    return COLUMNS.get(head) or (first if first is not None and first.readings else None)


def column_fault(name: str, config: RunConfig) -> str:
    """Return why a run of a configuration records no such column; empty if it may."""
    head, _, rest = name.partition(".")
    column = column_of(name)
    named = [name.rpartition(":")[2] for name in config.probing.measures if is_reference(name)]
    own = is_reference(config.family.kind) or is_reference(config.world.kind)
    if column is None and head not in named:
        near = get_close_matches(head, [*COLUMNS, *named], 1, ALIKE if own else 0)
        if near:
            return f"none begins with `{head}`; the most similar one is `{near[0]}`"
    if name == RETIRED:
        return "it is by a rule that is retired; `phase.sheet` is the phase of the activations"

    if column is not None and "final" in column.needs:
        return "it compares with the final network, which a run does not know while it trains: take it in a `Reading`"

    splits = config.world.splits()
    factors = config.world.factors.names
    split, _, factor = rest.partition(".")
    if column is not None and column.at == "split" and split not in splits:
        return f"`{split}` is no split of its world ({', '.join(splits)})"
    if column is not None and column.name == "accuracy" and factor not in ("joint", *factors):
        return f"`{factor}` must be one of joint, {', '.join(factors)}"

    if column is not None and column.name == "outcomes" and (fault := _outcome_fault(factor, config)):
        return fault

    site, layers = site_of(name), config.network.layer_names
    if column is not None and site and layers and site.layer not in layers:
        return f"`{site.layer}` is no layer of its network ({', '.join(layers)})"
    before, _, factor = name.rpartition(".detail.")
    if before and column is not None and column.by_factor and factor not in factors:
        return f"`{factor}` must be one of {', '.join(factors)}"
    return ""


def _outcome_fault(outcome: str, config: RunConfig) -> str:
    """Return why the images of a world have no such outcome; empty if they may."""
    # The reader of images of one's own may first have to learn from them.
    if getattr(config.world, "file", None) is not None:
        return ""
    reader = config.world.reader()
    names = ["n"] if reader is None else [*(known.name for known in reader.outcomes), "n"]
    if outcome in names:
        return ""
    return f"`{outcome}` must be one of {', '.join(names)}{similar(outcome, names)}"


def observation(names: Collection[str], splits: Iterable[str]) -> Tree:
    """Return the fields of `probing` that leave out what no column needs.

    Args:
        names: of recorded columns.
        splits: of the world, of which the first is trained on and always read.
    """
    needs = {need for name in names for need in _needs(name)}
    sites = {site for name in names if (site := site_of(name)) is not None}
    phases = any(name.startswith(PHASES_OF_LATENTS) for name in names)

    observe = []
    if "umap" in needs or any(site_of(name) and not _is_of_sheet(name) for name in names):
        observe.append("latents")
    elif sites or phases:
        observe.append("sheet")
    if "references" in needs:
        observe.append("references")

    words = {word for name in names if "images" in _needs(name) for word in name.split(".")}
    _, *others = splits
    tree: Tree = {"observe": observe, "images": {name: 0 for name in others if name not in words}}
    if "crossed" not in needs:
        tree["crossed_labels"] = 0
    if "umap" not in needs:
        tree["p1"] = None
    if further := sorted(_further_measures(names)):
        tree["measures"] = further

    times = {site.t for site in sites}
    if sites and not phases and None not in times:
        tree["t"] = sorted(t for t in times if t is not None)
    return tree


def _further_measures(names: Iterable[str]) -> set[str]:
    """Return the measures that a snapshot takes only if it is asked for them."""
    heads = {name.partition(".")[0] for name in names}
    return {head for head in heads & {*MEASURES} if not MEASURES[head].column.usual}


PHASES_OF_LATENTS = ("phase.representation_p1", "phase.sheet")


def _needs(name: str) -> frozenset[Need]:
    """Return what a recorded column is read from; a phase needs what its scores do."""
    if name.startswith("phase.representation_p1"):
        return frozenset({"latents", "umap"})
    if name.startswith("phase."):
        return frozenset()
    column = column_of(name)
    return frozenset() if column is None else column.needs


def _is_of_sheet(name: str) -> bool:
    return name.partition(".")[0] in OF_SHEET


def site_of(name: str) -> Site | None:
    """Return the site of a column such as ``probe_r2.mid.600.value``; None if it is not read from latents."""
    words = name.split(".")
    column = column_of(name)
    if len(words) < 3 or (column is not None and column.at != "site"):
        return None
    return Site(words[1], int(words[2])) if words[2].isdigit() else Site(words[1])
