"""What the draws of runs derive from that were recorded before the keys of `probing` had their present names."""

import json
from collections.abc import Mapping

FORMER = {"variance_labels": "share_labels", "variance_draws": "share_draws", "t": "timesteps"}


def draws_of(fields: Mapping) -> str:
    """Return the text from which the draws of a cell with these fields derive."""
    probing = {FORMER.get(key, key): value for key, value in fields["probing"].items()}
    return json.dumps({**fields, "probing": probing})
