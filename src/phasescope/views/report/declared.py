"""What was declared before the data and what was not, in sentences: claims made after their runs, seeds that were used to
choose, code that has changed since. All of it is counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from phasescope.runs.presets import PRESETS
from phasescope.studies import declared_after_its_runs
from phasescope.studies.core.declaration import Declaration, code_changes
from phasescope.studies.core.differing import claims_changed
from phasescope.studies.core.study import Study
from phasescope.views.claim_words import amendment_words

DECLARED_AFTER = "†"
"""marks a claim whose runs were looked at before it was declared"""
AMENDED_AFTER = "‡"
"""marks a claim that was amended in what decides it, when its runs had been looked at"""
MARKS = (DECLARED_AFTER, AMENDED_AFTER)
DECIDES = ("statistic", "threshold", "direction", "minimum_n", "cells")
"""fields of a claim"""


def mark_of(study: Study, told: Declaration | None, claim: dict[str, Any]) -> str:
    """That of a claim, as claims.json tells it; none where all that decides it was declared before its runs."""
    if declared_after_its_runs(claim["does_not_show"]):
        return DECLARED_AFTER
    amended = zip(study.amendments, told.amended if told else (), strict=False)
    late = (claims_changed(there.changed, DECIDES) for own, there in amended if own.looked)
    return AMENDED_AFTER if claim["name"] in set[str]().union(*late) else ""


def declaration_of(
    study: Study, told: Declaration | None, claims: Sequence[dict[str, Any]]
) -> dict[str, Any] | None:
    """What was declared before a study's runs, in words, and what was amended since; None where nothing was.

    Args:
        claims: of the study, as its page has them.
    """
    if told is None:
        return None
    second = f", {told.looks['second']} more at a second" if told.looks["second"] else ""
    files = ", ".join(f"{name} {digest[:16]}" for name, digest in told.sources[-1].sha256.items())
    there = f", when {told.recorded} of its runs were there" if told.recorded else ""
    late, amended, changed = (*(marked(claims, one)["all"] for one in MARKS), _changed(study, told))
    claimed = (
        f"{len(told.claims)} claims; intervals of {100 * told.level:g} %" if told.claims else "no claims"
    )
    said = [
        f"On {told.date}{there}: {len(told.cells)} cells, {told.looks['first']} seeds each at the first look but where a "
        f"cell says so{second}; {claimed}.",
        f"The runs of {late} claims, marked {DECLARED_AFTER}, had been looked at before." if late else "",
        f"{amended} claims, marked {AMENDED_AFTER}, were amended after a look." if amended else "",
        f"Source by SHA-256: {files}." if files else "",
        f"Code changed since: {changed}; see the log." if changed else "",
        *(
            f"Since {date} the declaration holds, too: {', '.join(name for name in told.since if told.since[name] == date)}."
            for date in dict.fromkeys(told.since.values())
        ),
    ]
    return {
        "said": " ".join(filter(None, said)),
        "amended": amendment_words([one.model_dump() for one in told.amended]),
        "changed": changed,
    }


def _changed(study: Study, told: Declaration) -> str:
    """What of a study's code is not as it was declared; nothing where all is."""
    found = code_changes(study, told)
    files = f"{len(found['files'])} of {found['of']} files" if found["files"] else ""
    imports = f"what they import (since {found['imports_since']})" if found["imports"] else ""
    return " and ".join(filter(None, (files, imports)))


def marked(claims: Sequence[dict[str, Any]], mark: str) -> dict[str, int]:
    """How many claims have a mark, and how many of these are decided."""
    late = [claim for claim in claims if claim["mark"] == mark]
    return {"all": len(late), "decided": sum(claim["verdict"] != "undecided" for claim in late)}


def choices(pages: Sequence[dict[str, Any]], folder: str) -> list[str]:
    """Of each preset that was chosen by seeds of its own: how many judged claims rest on these, study by study.

    Args:
        folder: of the studies' pages, from the page that tells it.
    """
    told = []
    for name, preset in PRESETS.items():
        alone = _counted(pages, folder, name, "all")
        among = _counted(pages, folder, name, "some")
        if alone or among:
            rest = [
                f"of these seeds alone: {alone or 'none'}",
                f"of others as well: {among}" if among else "",
            ]
            told.append(
                f"Seeds 0 to {preset.chosen_by - 1} of preset {name} were looked at to choose how long it trains. "
                f"Judged claims that rest on runs {'; '.join(filter(None, rest))}."
            )
    return told


def _counted(pages: Sequence[dict[str, Any]], folder: str, preset: str, how_many: str) -> str:
    """As ``5 ([Sampler](results/sampler.md) 5)``; nothing where there is none."""
    counts = {
        f"[{page['title']}]({folder}/{page['study']}.md)": sum(
            claim["look"] > 0 and claim["used_to_choose"].get(preset) == how_many for claim in page["claims"]
        )
        for page in pages
    }
    told = ", ".join(f"{link} {count}" for link, count in counts.items() if count)
    return f"{sum(counts.values())} ({told})" if told else ""
