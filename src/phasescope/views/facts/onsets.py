"""When phases began: between the last snapshot without a phase and the first from which on it lasts.

Records and claims name the later end, in images seen. What is shown says both, since in between nothing was read.
"""

from __future__ import annotations

from dataclasses import dataclass

from phasescope.measures.phases import LETTERS
from phasescope.views.facts.numbers import format_count
from phasescope.views.facts.record import Record


@dataclass(frozen=True)
class Onset:
    """A stretch of training within which a phase began for good.

    Attributes:
        after_step, after_images: of the last snapshot without it; None if it held at the first that was decided.
        step, images_seen: of the first snapshot from which on it lasts.
    """

    after_step: int | None
    after_images: int | None
    step: int
    images_seen: int

    @property
    def words(self) -> str:
        """The stretch as a sentence goes on with it, in steps and in images seen."""
        step, images = format_count(self.step), format_count(self.images_seen)
        if self.after_step is None:
            return f"by the first snapshot (step {step})" if self.step == 0 else f"by step {step}"
        steps = f"between steps {format_count(self.after_step)} and {step}"
        return f"{steps} ({format_count(self.after_images)} and {images} images)"

    @property
    def images(self) -> str:
        """The stretch in images seen, as a cell of a table holds it."""
        images = format_count(self.images_seen)
        return (
            f"by {images}" if self.after_images is None else f"{format_count(self.after_images)} to {images}"
        )


def onsets(record: Record, reading: str) -> dict[str, Onset | None]:
    """Return the onset of B or a later phase, and of C; None if it was not reached, or did not last.

    A snapshot that is undecided, or at which no phase was read, lies within the stretch: the phase may have begun there.
    """
    decided = [
        line for line, phase in zip(record.metrics, record.phases(reading), strict=True) if phase in LETTERS
    ]
    seen = [int(line["images_seen"]) for line in decided]
    stretches: dict[str, Onset | None] = {}
    for letter, images_seen in record.onsets(reading).items():
        if images_seen is None:
            stretches[letter] = None
            continue

        at = seen.index(images_seen)
        before = decided[at - 1] if at else None
        stretches[letter] = Onset(
            after_step=before["step"] if before else None,
            after_images=int(before["images_seen"]) if before else None,
            step=decided[at]["step"],
            images_seen=images_seen,
        )
    return stretches


def delay_words(first: Onset, then: Onset) -> str | None:
    """Return by how much one onset follows another, as a range; None if the two stretches overlap."""
    if then.after_step is None or then.after_images is None or then.after_step < first.step:
        return None
    start_step = first.step if first.after_step is None else first.after_step
    start_images = first.images_seen if first.after_images is None else first.after_images

    most = f"{format_count(then.step - start_step)} steps"
    most_images = f"{format_count(then.images_seen - start_images)} images"
    if then.after_step == first.step:
        return f"up to {most} ({most_images})"
    least = format_count(then.after_step - first.step)
    return f"{least} to {most} ({format_count(then.after_images - first.images_seen)} to {most_images})"
