"""Trust in a run's sources: building its network executes them, and a run may come from anyone."""

from phasescope.core.errors import UserError, log_once
from phasescope.core.kinds import references, source_digests
from phasescope.runs.store import RunFolder


def not_imported(run: RunFolder, trust: bool = False) -> str | None:
    """Return why the explorer does not load a network: its owner's sources are not trusted, or are not as recorded."""
    own, name = references(run.config), run.path.name
    if not own:
        return None
    if not trust:
        return f"`{name}` has sources of its owner ({', '.join(own)}): `phasescope explore --trust` executes them"
    try:
        digests = source_digests(run.config)
    except UserError as error:  # a source that is not there
        return str(error)
    if changed := [key for key, digest in digests.items() if run.sources.get(key) != digest]:
        return f"`{changed[0]}` is not what `{name}` recorded, and is not executed"
    log_once(f"`{name}` is trusted: sampling from it executes {', '.join(own)}")
    return None
