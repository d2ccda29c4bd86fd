"""Is the sheet of P1's ingredients ordered, if it is read from all labels, along paths, at other layers, and as P1 reads it?

The study `p1` reads the order of the sheet from 128 of 1,024 labels. By that reading order falls while samples become
correct. One of its runs, looked at in another way, suggested that the sheet keeps its order but bends back on itself:
places about 24 px apart come closer together than places 12 px apart, and 128 labels, whose neighbours lie 2 to 5 px apart,
cannot tell that from disorder. Thresholds are from simulated clouds (tests/studies/test_resolution.py): if the square of
labels is cut into parts that are permuted, path order is below 0.3; of smooth sheets, bent or not, it is above 0.95.
"""

from functools import partial

from phasescope.studies import Asked, Cell, Claim, Courses, Mean, Number, Reading, Study, Table, end, start
from studies.designs import p1
from studies.designs.estimates import RangeTable
from studies.designs.sheet import CELLS as SHEET_CELLS
from studies.resolution.readings import (
    FAR,
    NEAR,
    ends_above,
    fall_of_few,
    falls_by,
    gained,
    read_sites,
    rises_first,
)

ORDERED = 0.6
LEAN = Cell("lean", SHEET_CELLS[0].fields, base="lean", seeds=8)
CELLS = (*p1.CELLS, LEAN)
LOOKED = "One of the eight runs had been looked at (two of its snapshots), and one of `lean`."
WHERE = "Activations are means over two noise draws at t = 600."
NAMES = {
    "down3": "down3, the encoder's last layer, which P1 reads",
    "mid": "mid, between encoder and decoder",
}
READINGS = {
    "neighbours, 128 labels": "few",
    "neighbours, 1,024 labels": "all",
    "paths, 1,024 labels": "path",
    "P1's reading, 1,024 labels": "umap",
    f"{FAR} px over {NEAR} px": "bending",
}


def columns(site: str) -> dict[str, str]:
    return {words: f"sites.{site}.{name}" for words, name in READINGS.items()}


def at_ends() -> dict[str, Number]:
    ends = {"untrained": start, "trained": end}
    return {
        f"{words}: {site}, {moment}": number(column)
        for site in NAMES
        for words, column in columns(site).items()
        for moment, number in ends.items()
    }


UMAP = "UMAP of 1,024 labels to three dimensions, three seeds, linear regression read on held-out labels; P1 does not give its settings."

NO_ROOM = "order starts so near to its largest value that a rise of the size asked for was out of reach: it could only fall"

# Asked: two snapshots of one of the eight runs had been looked at, and a run of `lean`.
STUDY = Study(
    name="resolution",
    question="Is the sheet of P1's ingredients ordered, if it is read from all labels, at other layers, and as P1 reads it?",
    base="p1",
    answers="S4",
    cells=CELLS,
    seeds=8,
    more=8,
    headline="p1_reading_down3",
    claims=[
        Claim(
            name="ordered_down3",
            asked=Asked.AFTER,
            sentence="At the end the sheet at down3, the encoder's last layer, which P1 reads, is ordered: paths along it are as long as labels are far apart.",
            statistic=Mean(),
            numbers=end("sites.down3.path"),
            unit="rank correlation",
            threshold=ORDERED,
            no_effect=0.0,
            effect=0.2,
            spread=0.12,
            where={"cell": "p1"},
            source="P1",
            caveats=(
                WHERE,
                LOOKED,
            ),
        ),
        Claim(
            name="ordered_mid",
            asked=Asked.AFTER,
            sentence="At the end the sheet at mid, between encoder and decoder, is ordered: paths along it are as long as labels are far apart.",
            statistic=Mean(),
            numbers=end("sites.mid.path"),
            unit="rank correlation",
            threshold=ORDERED,
            no_effect=0.0,
            effect=0.2,
            spread=0.12,
            where={"cell": "p1"},
            source="P1",
            caveats=(
                WHERE,
                LOOKED,
            ),
        ),
        Claim(
            name="p1_reading_down3",
            asked=Asked.AFTER,
            sentence="While samples become correct, order by P1's reading rises at down3, the encoder's last layer, which P1 reads.",
            statistic=Mean(),
            numbers=partial(gained, column="sites.down3.umap"),
            unit="R²",
            threshold=0.0,
            effect=0.15,
            spread=0.1,
            where={"cell": "p1"},
            source="P1",
            caveats=(
                WHERE,
                UMAP,
                LOOKED,
            ),
            uninformative=NO_ROOM,
        ),
        Claim(
            name="p1_reading_mid",
            asked=Asked.AFTER,
            sentence="While samples become correct, order by P1's reading rises at mid, between encoder and decoder.",
            statistic=Mean(),
            numbers=partial(gained, column="sites.mid.umap"),
            unit="R²",
            threshold=0.0,
            effect=0.15,
            spread=0.1,
            where={"cell": "p1"},
            source="P1",
            caveats=(
                WHERE,
                UMAP,
                LOOKED,
            ),
            uninformative=NO_ROOM,
        ),
        Claim(
            name="few_mislead",
            asked=Asked.AFTER,
            sentence="While samples become correct, order read from 128 labels falls below that read from 1,024 by more than 0.05.",
            statistic=Mean(),
            numbers=fall_of_few,
            unit="trustworthiness",
            threshold=0.05,
            no_effect=0.0,
            effect=0.09,
            spread=0.055,
            where={"cell": "p1"},
            caveats=(
                WHERE,
                "At mid.",
                LOOKED,
            ),
        ),
        Claim(
            name="bends_back",
            asked=Asked.AFTER,
            sentence=f"The trained sheet bends back on itself: places {FAR} px apart along an axis are closer than {NEAR} px apart.",
            statistic=Mean(),
            numbers=end("sites.mid.bending"),
            unit="times the squared distance",
            threshold=1.0,
            direction="below",
            effect=0.3,
            spread=0.2,
            where={"cell": "p1"},
            caveats=(
                WHERE,
                "At mid.",
                LOOKED,
                "Why it does so is not asked.",
            ),
        ),
    ],
    readings=[Reading("sites", read_sites, needs=())],
    plots=[
        Courses(
            site,
            f"Order at {words}",
            {name: column for name, column in columns(site).items() if not column.endswith("bending")}
            | {"samples correct": "sites.correct"},
            panels_by="cell",
            ylabel="order",
            ylim=(0, 1.02),
            note="Every run is also read when a tenth of its samples is correct: such points are of one to three runs.",
        )
        for site, words in NAMES.items()
    ],
    tables=[
        Table("Readings before and after training", at_ends()),
        Table(
            "How much P1's reading rises from when a tenth of the samples is correct to the end of training, in all runs",
            {site: partial(gained, column=f"sites.{site}.umap") for site in NAMES},
            interval=True,
        ),
        Table(
            "Runs whose order rises from the untrained network to when a tenth of the samples is correct",
            {
                f"{words}: {site}": partial(rises_first, column=column)
                for site in NAMES
                for words, column in columns(site).items()
                if not column.endswith("bending")
            },
        ),
        Table(
            "Order of single runs",
            {
                "paths at mid end above 0.9": partial(ends_above, column="sites.mid.path", level=0.9),
                "paths at down3 rise at first by": partial(rises_first, column="sites.down3.path", by=True),
                "paths at down3 fall later": partial(falls_by, column="sites.down3.path", least=0.0),
                "P1's reading at down3 falls by more than 0.1": partial(
                    falls_by, column="sites.down3.umap", least=0.1
                ),
            },
        ),
        RangeTable(
            "Order at the end, from the least to the most ordered run",
            {
                f"{words}: {site}": end(column)
                for site in NAMES
                for words, column in columns(site).items()
                if words.endswith("1,024 labels")
            },
        ),
    ],
)
