"""Runs side by side as one file: the table, and the explorer's curves of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlencode

from phasescope.store.files import to_json
from phasescope.views.comparison import Comparison, Row
from phasescope.views.explorer.details import history
from phasescope.views.explorer.rows import row_of
from phasescope.views.inlined import self_contained
from phasescope.views.record import Record
from phasescope.views.report.page import address_of


def comparison_page(records: Sequence[Record], comparison: Comparison) -> str:
    """Return the page's HTML; of a path in a configuration it shows the last part only."""
    return self_contained(
        "comparison.html.j2",
        "compare",
        {address_of(one.run): to_json({**history(one), "row": row_of(one.run)}) for one in records},
        name="",
        title=f"{len(records)} runs compared",
        query=urlencode({"runs": ",".join(comparison.names)}),
        names=comparison.names,
        differs=[_portable(row) for row in comparison.differs],
        stands=comparison.stands,
        notes=comparison.notes,
    )


def _portable(row: Row) -> Row:
    return replace(row, texts=[Path(text).name if text.startswith("/") else text for text in row.texts])
