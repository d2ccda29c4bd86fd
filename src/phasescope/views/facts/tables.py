"""Tables of the report and of a terminal: scores with their baselines, and where a run comes from. All cells are text."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from phasescope.core.factors import Factors
from phasescope.core.formats import format_number
from phasescope.measures import Score
from phasescope.measures.columns import Column, column_of
from phasescope.measures.gain import floors
from phasescope.runs.store.sites import Site
from phasescope.views.facts.numbers import format_count, format_score, format_share
from phasescope.views.facts.record import Record, number
from phasescope.views.facts.record import score as score_at
from phasescope.views.facts.scores import probe_summary
from phasescope.views.facts.terms import BASELINES, baseline_words, probed, site_words


class ScoreTable(NamedTuple):
    """A row a score; a column holds a value somewhere.

    Attributes:
        rows: whether the score does not exceed its baselines though it should, and the cells.
        estimators: how each measure was estimated.
    """

    headings: list[str]
    rows: list[tuple[bool, list[str]]]
    estimators: list[str]


def score_table(
    scores: list[tuple[str, Site | None, Score]],
    factors: Factors,
    column_of: Callable[[str], Column] = column_of,
) -> ScoreTable:
    """Return (measure, site, score) as a table.

    Args:
        column_of: what is known of a measure; a run's record knows its own measures too.
    """
    baselines = dict.fromkeys([*BASELINES, *(name for _, _, score in scores for name in score.baselines)])

    rows: list[tuple[bool, dict[str, str]]] = []
    estimators: dict[str, list[str]] = {}

    for measure, site, score in scores:
        column = column_of(measure)
        words = probed(column.words, factors)
        probe = probe_summary(score.to_dict(), factors) if column.by_factor else None
        mean = {"mean": probe.mean} if probe and len(probe.factors) > 1 else {}
        detail = ((name.replace("_", " "), part) for name, part in {**score.detail, **mean}.items())

        cells = {
            "score": words,
            "activations at": site_words(site) if site else "",
            "value": format_score(score.value),
            "95 % interval": f"{format_score(score.low)} to {format_score(score.high)}",
            "detail": ", ".join(f"{name} {format_score(part)}" for name, part in detail if part == part),
            "n": format_count(score.n),
            **{
                baseline_words(b): format_score(score.baselines[b]) for b in baselines if b in score.baselines
            },
        }

        rows.append((_is_weak(column, score), cells))
        estimators.setdefault(score.estimator, []).append(words)

    used = dict.fromkeys(name for _, cells in rows for name, cell in cells.items() if cell)
    texts = [(weak, [cells.get(name, "") for name in used]) for weak, cells in rows]
    lines = [f"{', '.join(dict.fromkeys(names))}: {estimator}" for estimator, names in estimators.items()]
    return ScoreTable(list(used), texts, lines)


def _is_weak(column: Column, score: Score) -> bool:
    """Return whether a score that should exceed its baselines, or fall below them, does not."""
    known = [level for level in floors(score.baselines).values() if level == level]
    if column.better == "neither" or not known:
        return False
    return not score.low > max(known) if column.better == "higher" else not score.high < min(known)


def last_scores(record: Record) -> Iterator[tuple[str, Site | None, Score]]:
    """Yield measure, site and score of all that the last snapshot holds; without baselines a score is not shown."""
    for measure in record.measures:
        for site in record.sites(measure):
            stored = score_at(record.metrics[-1], measure, site)
            if stored and stored.get("value") is not None and stored.get("baselines"):
                yield measure, site, Score.from_dict(stored)


def provenance(record: Record) -> list[tuple[str, str]]:
    """Return (name, value): where, when, with which versions and at what cost."""
    status = record.status
    wall, observing = number(status.get("wall_s")), number(status.get("observing_s"))
    rows: dict[str, Any] = {
        key: status.get(key) for key in ("state", "host", "cpu", "cores", "threads", "device")
    }
    rows |= {f"{name} version": version for name, version in (status.get("versions") or {}).items()}
    rows |= {key.replace("_", " "): status.get(key) for key in ("git_commit", "started", "updated")}
    rows["wall time"] = f"{format_number(wall)} s" if wall == wall else None
    rows["CPU time"] = f"{format_number(status['cpu_s'])} s" if "cpu_s" in status else None
    if observing == observing and wall:
        rows["observing"] = f"{format_number(observing)} s, {format_share(observing / wall)} of wall time"
    return [(name, str(value)) for name, value in rows.items() if value is not None]
