"""When something is due in a loop whose steps are counted by somebody else: in ones, in batches, or in images seen."""


def is_due(step: int, every: int, last: int | None) -> bool:
    """Return whether a multiple of `every` was reached since step `last`; at the first call (`last` is None) always.

    A loop may begin at step 1, or in the middle, and may count images: with 96 a batch it never reaches 1,000, and
    ``every=1000`` is due at 1,056, the first step beyond.
    """
    return last is None or step // every > last // every
