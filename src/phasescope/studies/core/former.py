"""What became of claims that were judged before: tested again, or withdrawn for a reason.

`results/former.json` holds their verdicts as they stood. A file of fates says of each which claim asks it again, `again`:
{"study/name": "study/name"}, or why none does, `withdrawn`: {reason: ["study/name", ...]}. What became of it follows:

    stands       judged again, with the same verdict          decided      was undecided, and is not any more
    fell         judged again, with another verdict           untested     to be judged again: its runs are not whole
    otherwise    a like question is asked, against another threshold, so that the verdicts are not of one number
    withdrawn    not asked any more
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, TypeAdapter, ValidationError

from phasescope.config import explain
from phasescope.errors import UserError
from phasescope.store.files import read_json
from phasescope.studies.core.claim import Outcome

FORMER = "former.json"
Fate = Literal["stands", "fell", "decided", "otherwise", "untested", "withdrawn"]
FATES: dict[Fate, str] = {
    "stands": "judged again, with the same verdict",
    "fell": "judged again, with another verdict",
    "decided": "undecided before, and decided now",
    "otherwise": "a like question, against another threshold",
    "untested": "to be judged again",
    "withdrawn": "not asked any more",
}


class FormerClaim(BaseModel):
    """A claim's verdict as it stood."""

    study: str
    name: str
    sentence: str
    verdict: Outcome
    value: float | None
    """a number that is not finite is its name"""
    threshold: float
    direction: Literal["above", "below"]
    n: int

    @property
    def key(self) -> str:
        return f"{self.study}/{self.name}"


class Fates(BaseModel):
    """Of each former claim, which one tests it again, or why none does."""

    again: dict[str, str]
    withdrawn: dict[str, list[str]]


@dataclass(frozen=True)
class Told:
    """What became of a former claim."""

    former: FormerClaim
    fate: Fate
    again: str | None
    """the claim that tests it now, as study/name"""
    now: Mapping[str, Any] | None
    """what claims.json says of that"""
    reason: str
    """why it was withdrawn"""


def read_former(folder: Path) -> list[FormerClaim]:
    """The former verdicts that a folder of results holds; none where it holds no such file.

    Raises:
        UserError: the file holds something else.
    """
    path = folder / FORMER
    if not path.exists():
        return []
    try:
        return TypeAdapter(list[FormerClaim]).validate_python(read_json(path))
    except ValidationError as error:
        raise UserError(f"`{path}` must hold former verdicts: {explain(error, FormerClaim)}") from None


def read_fates(path: Path) -> Fates:
    """What a file of fates says.

    Raises:
        UserError: it says something else.
    """
    try:
        return Fates.model_validate(read_json(path))
    except ValidationError as error:
        raise UserError(f"`{path}` must hold fates of claims: {explain(error, Fates)}") from None


def fates_of(former: Sequence[FormerClaim], fates: Fates, now: Mapping[str, Mapping[str, Any]]) -> list[Told]:
    """What became of each former claim.

    Args:
        now: what claims.json says of each present claim, by study/name.

    Raises:
        UserError: a former claim has no fate, or more than one; or something has one that was no claim.
    """
    reasons = {key: reason for reason, keys in fates.withdrawn.items() for key in keys}
    told = Counter(chain(fates.again, *fates.withdrawn.values()))
    for key in (one.key for one in former):
        if told[key] != 1:
            raise UserError(
                f"`{key}` (={told[key]} fates) must be either tested again or withdrawn: it was a claim"
            )
    if more := sorted({*told} - {one.key for one in former}):
        raise UserError(f"`{more[0]}` must be a former claim: it has a fate, and was none")
    return [_told(one, fates.again.get(one.key), reasons.get(one.key, ""), now) for one in former]


def _told(former: FormerClaim, again: str | None, reason: str, now: Mapping[str, Mapping[str, Any]]) -> Told:
    claim = None if again is None else now.get(again)
    if again is None:
        fate: Fate = "withdrawn"
    elif claim is None or claim.get("look") == 0:
        fate = "untested"
    elif (claim["threshold"], claim["direction"]) != (former.threshold, former.direction):
        fate = "otherwise"
    elif claim["verdict"] == former.verdict:
        fate = "stands"
    else:
        fate = "decided" if former.verdict == "undecided" else "fell"
    return Told(former, fate, again, claim, reason)


def counted(told: Iterable[Told]) -> dict[Fate, int]:
    """How many met each fate."""
    counts = Counter(one.fate for one in told)
    return {fate: counts[fate] for fate in FATES}
